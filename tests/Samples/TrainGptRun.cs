using System.Globalization;
using TrainGpt;

namespace Mayfly.Tests;

/// <summary>Runs TrainGpt's commands in this process, on a tiny model and a few kB of text.</summary>
public sealed class TrainGptRun : IDisposable
{
    private const string Words = "the cat sat on a mat and the dog ran far from it . who knows why ? \n";
    private static readonly string[][] Tiny =
    [
        ["--layers", "1"], ["--heads", "2"], ["--width", "16"], ["--context", "16"], ["--batch", "4"], ["--steps", "20"],
            ["--warm-up", "2"],
        ["--learning-rate", "1e-2"], ["--evaluate-every", "5"],
    ];

    private readonly TemporaryFolder folder = new();

    /// <summary>Trains once, for the tests that use the result.</summary>
    public TrainGptRun()
    {
        Data = folder.Write("text.txt", Text(6000));
        Trained = folder.File("trained");
        TrainOutput = Good(Train(Trained));
    }

    /// <summary>The text file.</summary>
    public string Data { get; }

    /// <summary>The folder of a run of 20 steps.</summary>
    public string Trained { get; }

    /// <summary>What that run printed.</summary>
    public string TrainOutput { get; }

    /// <summary>The command line of a tiny run.</summary>
    public string[] Train(string name, params string[] more) => TrainOn(Data, name, more);

    /// <summary>The command line of a tiny run on other data.</summary>
    public string[] TrainOn(string data, string name, params string[] more) =>
        ["train", "--data", data, "--out", folder.File(name), .. Tiny.Where(option => !more.Contains(option[0])).SelectMany(option =>
            option), .. more];

    /// <summary>A file of this test's folder.</summary>
    public string File(params string[] names) => folder.File(Path.Combine(names));

    /// <summary>Writes a file.</summary>
    public string Write(string name, string text) => folder.Write(name, text);

    /// <summary>What a command prints that has to succeed.</summary>
    public static string Good(params string[] args)
    {
        var (code, output, errors) = Run(args);
        Assert.Equal("", errors);
        Assert.Equal(0, code);
        return output;
    }

    /// <summary>Runs a command.</summary>
    public static (int Code, string Output, string Errors) Run(params string[] args) => RunWith("", args);

    /// <summary>Runs a command that reads lines.</summary>
    public static (int Code, string Output, string Errors) RunWith(string input, params string[] args)
    {
        StringWriter output = Writer(), errors = Writer();
        int code = App.Run(args, new CommandContext(new StringReader(input), output, errors, new Signals()));
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>Runs a command that is told to stop when it prints a piece with <paramref name="sign"/>.</summary>
    public static string RunUntil(string sign, string[] args, string input = "")
    {
        var signals = new Signals();
        var output = new WatchingWriter(sign, () => signals.Interrupt());
        int code = App.Run(args, new CommandContext(new StringReader(input), output, TextWriter.Null, signals));
        Assert.Equal(args.Contains("--interactive") ? 0 : 128 + 2, code); // what is interrupted there is an answer
        return output.ToString();
    }

    /// <summary>Runs a command, during which something happens when it first prints a piece with <paramref name="sign"/>.</summary>
    public static (int Code, string Output, string Errors) RunWhile(string sign, Action action, params string[] args)
    {
        StringWriter output = new WatchingWriter(sign, () => Interlocked.Exchange(ref action!, null)?.Invoke()), errors = Writer();
        int code = App.Run(args, new CommandContext(TextReader.Null, output, errors, new Signals()));
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>Words in an order that is random and always the same.</summary>
    public static string Text(int length)
    {
        var words = Words.Split(' ');
        var random = new Random(5);
        return string.Join(' ', Enumerable.Range(0, length).Select(_ => words[random.Next(words.Length)]))[..length];
    }

    /// <inheritdoc/>
    public void Dispose() => folder.Dispose();

    private static StringWriter Writer() => new(CultureInfo.InvariantCulture) { NewLine = "\n" };

    /// <summary>Does something when a piece with a sign is written.</summary>
    internal sealed class WatchingWriter(string sign, Action action) : StringWriter(CultureInfo.InvariantCulture)
    {
        public override void Write(string? value)
        {
            base.Write(value);
            Watch(value);
        }

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            Watch(value);
        }

        private void Watch(string? value)
        {
            if (value?.Contains(sign, StringComparison.Ordinal) == true) action();
        }
    }
}
