using System.CommandLine;
using System.Globalization;

namespace TrainGpt;

/// <summary>The command line: its commands, and what becomes of errors.</summary>
internal static class App
{
    private const int Failure = 1, BadUsage = 2;

    /// <summary>The JSON reader quotes the rest of a file that is no JSON.</summary>
    private const int LongestError = 500;

    /// <summary>Runs a command. What the user got wrong ends in one line of errors.</summary>
    /// <returns>
    /// The exit code: 0, 1 for a failure, 2 for a command line that cannot be understood; 128 and the signal's number where one ended it.
    /// </returns>
    public static int Run(string[] args, CommandContext context)
    {
        var culture = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture; // numbers are printed as options take them
        try
        {
            return RunClean(args, context.Cleaned());
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    private static int RunClean(string[] args, CommandContext context)
    {
        var (output, errors) = (context.Output, context.Errors);
        var parse = Commands(context).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (CommandLine.Problem(parse) is { } problem)
            return Fail(errors, $"{problem.TrimEnd('.', '\n', '\r', ' ')}. See --help.", BadUsage);
        try
        {
            int code = parse.Invoke(
                new InvocationConfiguration { Output = output, Error = errors, EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null });
            return context.Signals.ExitCode ?? code;
        }
        catch (OperationCanceledException)
        {
            return Fail(errors, "Stopped; there was nothing to save.", context.Signals.ExitCode ?? Failure);
        }
        catch (ToldException)
        {
            return context.Signals.ExitCode ?? Failure;
        }
        catch (Exception e) when (IsForTheUser(e))
        {
            return Fail(errors, e.Message, Failure);
        }
    }

    private static RootCommand Commands(CommandContext context)
    {
        SubwordTokenizer.Register();
        var root = new RootCommand("Trains a GPT or a Llama on text. Without a command and options it learns from the .NET SDK's own API "
            + "documentation.");
        TrainCommand.Fill(root, context);
        var train =
            new Command("train", "Trains a model and writes it, with a log, to a folder. This is what runs where no command is given.");
        root.Add(TrainCommand.Fill(train, context));
        root.Add(PrepareCommand.Create(context));
        root.Add(PlanCommand.Create(context));
        root.Add(EvaluateCommand.Create(context));
        root.Add(GenerateCommand.Create(context));
        root.Add(ChatCommand.Create(context));
        root.Add(ExportCommand.Create(context));
        root.Add(ReportCommand.Create(context));
        root.Add(DevicesCommand.Create(context));
        root.Add(TokenizerCommand.Create(context));
        CommandLine.DescribeOnHelp(root);
        return root;
    }

    /// <summary>What names its cause in one line; anything else is a bug and shows its trace.</summary>
    internal static bool IsForTheUser(Exception e) => e is InputException or ArgumentException or IOException or UnauthorizedAccessException
        or NonFiniteException or ArithmeticException or OutOfMemoryException or DeviceUnavailableException
        or DeviceLostException or NotSupportedException;

    private static int Fail(TextWriter errors, string message, int code)
    {
        string line = string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        errors.WriteLine(
            $"error: {(line.Length > LongestError ? $"{line[..(LongestError / 2)]} ... {line[^(LongestError / 2)..]}" : line)}");
        return code;
    }
}

/// <summary>What every command needs.</summary>
/// <param name="Input">Where prompts come from.</param>
/// <param name="Output">Where results go.</param>
/// <param name="Errors">Where warnings go.</param>
/// <param name="Signals">What the user asks for in the meantime.</param>
internal sealed record CommandContext(TextReader Input, TextWriter Output, TextWriter Errors, Signals Signals)
{
    /// <summary>Where results go as they are: what is drawn there may move the cursor of a terminal.</summary>
    public TextWriter Screen { get; private init; } = Output;

    /// <summary>The same, but what is written shows control characters and does not obey them: names and data may hold any.</summary>
    public CommandContext Cleaned() => this with { Output = new CleanWriter(Output), Errors = new CleanWriter(Errors) };

    /// <summary>Joins the processes that were launched with this one.</summary>
    public Func<ICollectives> Join { get; init; } = Launcher.Join;

    /// <summary>The program's version, which processes that train one model have alike.</summary>
    public string Version { get; init; } = typeof(Tensor).Assembly.GetName().Version!.ToString();

    /// <summary>The same for a process that others speak for.</summary>
    public CommandContext Silent() => this with { Output = TextWriter.Null, Errors = TextWriter.Null, Screen = TextWriter.Null };

    /// <summary>Set when the user wants the command to end.</summary>
    public CancellationToken Stop => Signals.Stop;

    /// <summary>Says what the user may want to know of, in one line.</summary>
    public void Warn(string message) => Errors.WriteLine($"warning: {message}");

    /// <summary>True where a person watches a terminal.</summary>
    public bool IsLive => ReferenceEquals(Screen, Console.Out) && !Console.IsOutputRedirected;
}
