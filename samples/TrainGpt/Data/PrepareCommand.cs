using System.CommandLine;
using System.Globalization;

namespace TrainGpt;

/// <summary><c>prepare</c>: makes token files of text, of any size. It is about no run, so that its options are its own.</summary>
internal static class PrepareCommand
{
    public static Command Create(CommandContext context)
    {
        var data = new Option<string>("--data") { HelpName = "FILE|FOLDER", Required = true,
            Description = $"What to read: {DataSource.Help}" };
        var tokenizer = new Option<string?>("--tokenizer") { HelpName = "NAME|FILE",
            Description = $"How text becomes ids: {TokenizerChoice.Help} [default: the characters of the data]" };
        var output = new Option<string>("--out") { HelpName = "FILE.bin", Required = true,
            Description = "The token file to write, a name that ends in .bin, and the tokenizer beside it; give it to train by --data." };
        var field = new Option<string>("--text-field") { DefaultValueFactory = _ => JsonLines.TextField,
            Description = Declaration.Of<TrainOptions>(nameof(TrainOptions.TextField)).Text };
        var template = new Option<string>("--template") { DefaultValueFactory = _ => TemplateChoice.Fitting,
            Description = Declaration.Of<TrainOptions>(nameof(TrainOptions.Template)).Text };
        template.AcceptOnlyFromAmong(TemplateChoice.Names);
        var documents = new Option<bool>("--file-documents") {
            Description = "Each text file of a folder is a document, with a separator after it, as .jsonl lines are." };
        var shard = new Option<int>("--shard-tokens") { HelpName = "N", DefaultValueFactory = _ => TokenFileWriter.StandardShard,
            Description = "The most tokens of a file; more make several files." };
        var threads = new Option<int>("--threads") {
            Description = "Threads that encode; 0 takes every core. They do not change the result." };
        var command = new Command("prepare", "Makes token files of text of any size, in a memory that does not grow with it.")
            { data, tokenizer, output, field, template, documents, shard, threads };
        command.SetAction(parse =>
        {
            var options = new TrainOptions
            {
                Data = parse.GetRequiredValue(data), Tokenizer = parse.GetValue(tokenizer), TextField = parse.GetValue(field)!,
                Template = parse.GetValue(template)!, Threads = Within("--threads", parse.GetValue(threads), 0, 1024),
                Documents = parse.GetValue(documents) ? DocumentChoice.Apart : DocumentChoice.Joined,
            };
            Run(options, parse.GetRequiredValue(output), Within("--shard-tokens", parse.GetValue(shard), 1, int.MaxValue), context);
        });
        return command;
    }

    private static int Within(string option, int value, int least, int most) => value >= least && value <= most ? value
        : throw new InputException($"{option} {value} is out of range; give a value from {least} to {most}.");

    private static void Run(TrainOptions options, string output, int shard, CommandContext context)
    {
        if (!Path.GetExtension(output).Equals(".bin", StringComparison.OrdinalIgnoreCase))
            throw new InputException($"--out '{output}': the name of a token file ends in .bin.");
        if (TokenShards.Find(options.Data!).Count > 0)
            throw new InputException($"'{options.Data}' has token ids already; give it to train.");
        Files.CheckReplaceable(output);
        TokenizerChoice.CheckThere(options.Tokenizer);
        var source = DataSource.Open(options.Data!, Corpus.Format(options));
        var tokenizer = TokenizerChoice.Open(options.Tokenizer)
            ?? new CharTokenizer(source.Texts(), options.Tokenizer == TokenizerChoice.Characters);
        var (files, count, seconds) = new TokenCache("", true, options.Threads, context).Prepare(source, tokenizer, output, shard);
        tokenizer.Save(TokenShards.TokenizerOf(files[0]));
        if (source.Summary is { } summary) context.Output.WriteLine(summary);
        context.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Made {count:N0} tokens of {source.Bytes:N0} bytes in {seconds:F1} s, {source.Bytes / 1e6 / Math.Max(seconds, 1e-3):F1} MB/s, "
            + $"and wrote them to {files[0]}{(files.Count > 1 ? $" and {files.Count - 1} more" : "")}; the tokenizer is beside."));
    }
}
