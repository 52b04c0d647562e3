namespace TrainGpt;

/// <summary>Reads prompts line by line and lets each be answered.</summary>
internal static class PromptLoop
{
    /// <summary>Ends the loop, as an empty line and the end of the input do.</summary>
    public const string Quit = ":quit";

    /// <summary>Runs the loop. A prompt that cannot be answered is said so, and the next one is read.</summary>
    /// <param name="context">Where prompts come from.</param>
    /// <param name="answer">Gets a prompt, its number from 0 on, and what tells it to end.</param>
    public static void Run(CommandContext context, Action<string, int, CancellationToken> answer)
    {
        for (int number = 0; Read(context) is { Length: > 0 } prompt && prompt != Quit; number++)
        {
            try
            {
                answer(prompt, number, context.Signals.BeginAnswer());
            }
            catch (InputException e)
            {
                context.Errors.WriteLine($"error: {e.Message}");
            }
        }
    }

    private static string? Read(CommandContext context)
    {
        context.Signals.Wait();
        if (context.IsLive && !Console.IsInputRedirected) context.Output.Write("> ");
        return context.Input.ReadLine();
    }
}
