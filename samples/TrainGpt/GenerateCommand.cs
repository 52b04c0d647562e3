using System.CommandLine;

namespace TrainGpt;

/// <summary><c>generate</c>: continues prompts.</summary>
internal static class GenerateCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("generate", "Continues prompts with a trained model.");
        return CommandLine.Bind<GenerateOptions>(command, given => Run(given.Over(new GenerateOptions()), context));
    }

    private static void Run(GenerateOptions options, CommandContext context)
    {
        options.Check();
        using var trained = TrainedModel.Load(options, context, (_, _, tokenizer) =>
        {
            foreach (string prompt in options.Prompt) tokenizer.Encode(prompt);
        });
        if (options.Interactive) PromptLoop.Run(context, (prompt, number, stop) =>
            Answer(options, trained, prompt, number, context.Output, stop));
        else Write(options, trained, options.Prompt is [] ? [""] : options.Prompt, context.Output, context.Stop);
    }

    /// <summary>Continues a line that was read; the same line draws anew when it comes again.</summary>
    private static void Answer(GenerateOptions options, TrainedModel trained, string prompt, int number, TextWriter output,
        CancellationToken stop) =>
        Write(options with { Seed = options.Seed + (ulong)number }, trained, [prompt], output, stop, showsPrompts: false);

    private static void Write(
        GenerateOptions options, TrainedModel trained, string[] prompts, TextWriter output, CancellationToken stop,
            bool showsPrompts = true)
    {
        string[] rows = [.. prompts.SelectMany(prompt => Enumerable.Repeat(prompt, options.Count))];
        // a space after the last number
        string[] heads = [.. rows.Select(row => showsPrompts ? trained.Tokenizer.Decode(trained.Tokenizer.Encode(row)) : "")];
        var pieces = TextGenerator.Continue(trained.Model, trained.Tokenizer, rows, options.Tokens, options.Sampling, options.Stop);
        if (rows.Length > 1) TextGenerator.WriteAll(output, heads, pieces, stop);
        else TextGenerator.Write(output, pieces.Select(piece => piece.Text).Prepend(heads[0]), stop);
    }
}
