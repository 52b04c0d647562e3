using System.CommandLine;
using System.Globalization;

namespace TrainGpt;

/// <summary><c>evaluate</c>: the validation loss over all windows of the data to validate on.</summary>
internal static class EvaluateCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string> folder = Arguments.Out("The folder that train wrote.");
        Option<string?> data = Arguments.Data("what the model was trained on");
        Option<string> device = Arguments.Device();
        Option<int> threads = Arguments.Threads();
        var command = new Command("evaluate", "Prints the validation loss over all windows of the data to validate on.") { folder, data, device, threads };
        command.SetAction(parse => Run(parse.GetValue(data), () => TrainedModel.Load(parse.GetValue(folder)!, parse.GetValue(device)!, parse.GetValue(threads), context), context));
        return command;
    }

    /// <summary>The result as text.</summary>
    public static string Line(double loss) => string.Create(CultureInfo.InvariantCulture, $"validation loss {loss:F4}");

    private static void Run(string? data, Func<TrainedModel> load, CommandContext context)
    {
        using var trained = load();
        using var corpus = data is null ? Corpus.Open(trained.Options.Data, trained.Options.Validation, context.Stop) : Corpus.Open(data, null, context.Stop);
        var tokens = corpus.Tokens(trained.Tokenizer);
        context.Output.WriteLine(Line(new Evaluator(trained.Model, tokens, trained.Options.Batch).Full(context.Stop)));
    }
}
