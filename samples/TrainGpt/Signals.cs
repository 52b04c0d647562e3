namespace TrainGpt;

/// <summary>
/// What Ctrl+C and SIGTERM ask for: the first one asks the command to save and end, a second one ends the program at once. A command that
/// reads prompts has nothing to save: while it waits either ends the program, and while it answers Ctrl+C ends the answer.
/// </summary>
internal sealed class Signals
{
    private readonly CancellationTokenSource command = new();
    private volatile CancellationTokenSource? current;

    /// <summary>Begins with the command.</summary>
    public Signals() => current = command;

    /// <summary>Set when the command is to end.</summary>
    public CancellationToken Stop => command.Token;

    /// <summary>Ctrl+C.</summary>
    /// <returns>False where the program is to end at once.</returns>
    public bool Interrupt() => Ask(current);

    /// <summary>SIGTERM.</summary>
    /// <returns>False where the program is to end at once.</returns>
    public bool Terminate() => ReferenceEquals(current, command) && Ask(command);

    /// <summary>The command waits for a prompt.</summary>
    public void Wait() => current = null;

    /// <summary>The command begins an answer.</summary>
    /// <returns>Set when the answer is to end.</returns>
    public CancellationToken BeginAnswer()
    {
        var answer = new CancellationTokenSource();
        current = answer;
        return answer.Token;
    }

    private static bool Ask(CancellationTokenSource? source)
    {
        if (source is null or { IsCancellationRequested: true }) return false;
        source.Cancel();
        return true;
    }
}
