using System.CommandLine;
using System.Globalization;

namespace TrainGpt;

/// <summary><c>export</c>: writes a model for other programs.</summary>
internal static class ExportCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("export", "Writes the model of a run, or one that others trained, for other programs: Hugging Face's, "
            + "llama.cpp and llama2.c. Adapters are merged into it.");
        return CommandLine.Bind<ExportCommandOptions>(command, given => Run(given.Over(new ExportCommandOptions()), context));
    }

    private static void Run(ExportCommandOptions options, CommandContext context)
    {
        if (options.Out.Length == 0) throw new InputException("--out names the file or folder to write; give one.");
        string? template = options.ChatTemplate is { } file ? TextFile.Read(file, TextFile.LongestJson) : null;
        using var trained = TrainedModel.Load(options with { Out = options.Run }, context);
        if (options.To == ExportCommandOptions.AdaptersAlone) SaveAdapters(options, trained);
        else Save(options, trained, template ?? trained.Jinja);
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Wrote {trained.Model.ParameterCount:N0} weights as {options.To} to {options.Out} ({Size(options.Out):N0} bytes)."));
    }

    private static void SaveAdapters(ExportCommandOptions options, TrainedModel trained)
    {
        if (Lora.Of(trained.Model).Count == 0)
            throw new InputException($"--to {options.To} writes the adapters of a run with --lora-rank, and this model has none.");
        LoraFile.Save(trained.Model, options.Out, trained.Options.Init ?? options.Init);
    }

    private static void Save(ExportCommandOptions options, TrainedModel trained, string? template)
    {
        Lora.Merge(trained.Model);
        new ModelExport(trained.Model, trained.Tokenizer, new ExportOptions
        {
            Type = ExportTypes.Of(options.Dtype), ShardBytes = options.ShardBytes, ChatTemplate = template, Name = options.Name,
        }).Save(options.To, options.Out);
    }

    private static long Size(string path) => Directory.Exists(path)
        ? Directory.GetFiles(path).Sum(file => new FileInfo(file).Length)
        : new FileInfo(path).Length;
}
