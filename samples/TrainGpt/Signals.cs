namespace TrainGpt;

/// <summary>
/// What Ctrl+C, SIGTERM and SIGHUP (a closed terminal, a lost connection) ask for: the first one asks the command to save and end, a
/// second one ends the program at once; but not SIGHUP, which can come several times from one terminal. A command that reads prompts has
/// nothing to save: while it waits any of them ends the program, and while it answers Ctrl+C ends the answer.
/// </summary>
internal sealed class Signals
{
    private readonly CancellationTokenSource command = new();
    private volatile CancellationTokenSource? current, asked;

    /// <summary>Begins with the command.</summary>
    public Signals() => current = command;

    /// <summary>Set when the command is to end.</summary>
    public CancellationToken Stop => command.Token;

    /// <summary>128 and the number of the signal that ended the command, as shells have it; null where none did.</summary>
    public int? ExitCode { get; private set; }

    /// <summary>Ctrl+C.</summary>
    /// <returns>False where the program is to end at once.</returns>
    public bool Interrupt() => Ask(current, 128 + 2);

    /// <summary>SIGTERM.</summary>
    /// <returns>False where the program is to end at once.</returns>
    public bool Terminate() => ReferenceEquals(current, command) && Ask(command, 128 + 15);

    /// <summary>SIGHUP.</summary>
    /// <returns>False where the program is to end at once.</returns>
    public bool HangUp()
    {
        if (!ReferenceEquals(current, command)) return false;
        Cancel(command, 128 + 1);
        return true;
    }

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

    private bool Ask(CancellationTokenSource? source, int code)
    {
        if (source is null || source == asked) return false;
        asked = source;
        Cancel(source, code);
        return true;
    }

    private void Cancel(CancellationTokenSource source, int code)
    {
        if (source == command) ExitCode ??= code;
        source.Cancel();
    }
}
