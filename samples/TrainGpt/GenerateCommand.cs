using System.CommandLine;

namespace TrainGpt;

/// <summary><c>generate</c>: continues prompts.</summary>
internal static class GenerateCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("generate", "Continues prompts with a trained model.");
        var arguments = new GenerateArguments(command);
        command.SetAction(parse => Run(arguments.Read(parse), context));
        return command;
    }

    private static void Run(GenerateRequest request, CommandContext context)
    {
        request.Check();
        using var trained = TrainedModel.Load(request.Folder, request.Device, request.Threads, context);
        if (request.Interactive) PromptLoop.Run(context, (prompt, number, stop) => Answer(request, trained, prompt, number, context.Output, stop));
        else Write(request, trained, request.Prompts is [] ? [""] : request.Prompts, context.Output, context.Stop);
    }

    /// <summary>Continues a line that was read; the same line draws anew when it comes again.</summary>
    private static void Answer(GenerateRequest request, TrainedModel trained, string prompt, int number, TextWriter output, CancellationToken stop)
    {
        var sampling = request.Sampling with { Seed = request.Sampling.Seed + (ulong)number };
        Write(request with { Sampling = sampling }, trained, [prompt], output, stop, showsPrompts: false);
    }

    private static void Write(GenerateRequest request, TrainedModel trained, string[] prompts, TextWriter output, CancellationToken stop, bool showsPrompts = true)
    {
        string[] rows = [.. prompts.SelectMany(prompt => Enumerable.Repeat(prompt, request.Count))];
        string[] heads = [.. rows.Select(row => showsPrompts ? trained.Tokenizer.Decode(trained.Tokenizer.Encode(row)) : "")]; // a space after the last number
        var pieces = TextGenerator.Continue(trained.Model, trained.Tokenizer, rows, request.Tokens, request.Sampling, request.Stops);
        if (rows.Length > 1) TextGenerator.WriteAll(output, heads, pieces, stop);
        else TextGenerator.Write(output, pieces.Select(piece => piece.Text).Prepend(heads[0]), stop);
    }
}
