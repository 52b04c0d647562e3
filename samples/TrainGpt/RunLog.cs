using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace TrainGpt;

/// <summary>The log of a run: one line a step, written at once, so that it can be watched and nothing is lost.</summary>
internal sealed class RunLog : IDisposable
{
    public const string FileName = "log.csv";
    private static readonly string[] Columns = ["step", "loss", "validation_loss", "learning_rate", "tokens_per_second", "peak_bytes",
        "live_bytes", "gradient_norm", "perplexity", "seconds"];
    private readonly RecordFile file;
    private readonly double secondsBefore;
    private long began = Stopwatch.GetTimestamp();

    /// <summary>
    /// Goes on after <paramref name="step"/>: later lines, of steps that were lost with their snapshot, are dropped. Lines of a log with
    /// fewer columns, as earlier versions wrote it, have empty values in the others. Nothing is written yet; the old file stays until the
    /// new one is whole.
    /// </summary>
    /// <exception cref="InputException">The file that is there cannot be read.</exception>
    /// <exception cref="BadFileException">It is no log.</exception>
    public RunLog(string path, long step)
    {
        string[] kept = File.Exists(path) ? Kept(path, step) : [];
        if (kept is [.., var last]) _ = double.TryParse(last.Split(',')[^1], CultureInfo.InvariantCulture, out secondsBefore);
        file = new RecordFile(path, Bytes(kept.Prepend(string.Join(',', Columns))));
    }

    /// <summary>Replaces the old file, and lets the time of the run go on.</summary>
    /// <exception cref="InputException">It cannot be written; the next call tries again.</exception>
    public void Begin()
    {
        began = Stopwatch.GetTimestamp();
        file.Append([]);
    }

    /// <summary>The seconds of the run, those up to the last line kept included.</summary>
    private double Seconds => secondsBefore + Stopwatch.GetElapsedTime(began).TotalSeconds;

    /// <summary>Adds a step.</summary>
    /// <exception cref="InputException">It cannot be written; it is kept, and written by the next call that can.</exception>
    public void Write(StepStatus status)
    {
        var report = status.Report;
        file.Append(Bytes([string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Step},{Known(report.Loss):F6},{status.ValidationLoss:F6},{report.LearningRate:G6},"
            + $"{status.TokensPerSecond:F0},{report.PeakBytes},{status.LiveBytes},{Known(report.GradientNorm):G6},"
            + $"{(status.ValidationLoss is { } validation ? Math.Exp(validation) : null):G6},{Seconds:F1}")]));
    }

    /// <summary>Returns when all lines are on the disk.</summary>
    /// <exception cref="InputException">They could not be written.</exception>
    public void Flush() => file.Flush();

    /// <summary>Goes on in another folder, with all lines so far.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void MoveTo(string folder) => file.MoveTo(Path.Combine(folder, FileName));

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static byte[] Bytes(IEnumerable<string> lines) => Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));

    /// <summary>Nothing for a number that was not read.</summary>
    private static double? Known(double number) => double.IsNaN(number) ? null : number;

    private static string[] Kept(string path, long step)
    {
        string text = Encoding.UTF8.GetString(Files.ReadBytes(path));
        string[] lines = [.. text.Split('\n').SkipLast(1).Select(line => line.TrimEnd('\r'))]; // what follows the last line end was cut
        if (text.Length == 0) return [];
        string[] names = lines is [var header, ..] ? header.Split(',') : [];
        if (names.FirstOrDefault() != Columns[0]) throw new BadFileException(path, "line 1",
            $"it does not begin with '{Columns[0]}', so it is no log; rename the file to go on with a new one.");
        int[] places = [.. Columns.Select(column => Array.IndexOf(names, column))];
        return [.. lines.Where(line => IsUpTo(line, step)).Select(line => line.Split(',')).Select(values =>
            string.Join(',', places.Select(place => Value(values, place))))];
    }

    private static string Value(string[] values, int place) => place >= 0 && place < values.Length ? values[place] : "";

    private static bool IsUpTo(string line, long step) =>
        long.TryParse(line.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long at) && at <= step;
}
