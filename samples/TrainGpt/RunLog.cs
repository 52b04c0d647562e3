using System.Globalization;

namespace TrainGpt;

/// <summary>The log of a run: one line a step, written at once, so that it can be watched and nothing is lost.</summary>
internal sealed class RunLog : IDisposable
{
    public const string FileName = "log.csv";
    private static readonly string[] Columns = ["step", "loss", "validation_loss", "learning_rate", "tokens_per_second", "peak_bytes",
        "live_bytes", "gradient_norm", "perplexity", "seconds"];
    private readonly StreamWriter writer;

    /// <summary>
    /// Goes on after <paramref name="step"/>: later lines, of steps that were lost with their snapshot, are dropped. 0 starts anew. Lines
    /// of a log with fewer columns, as earlier versions wrote it, have empty values in the others.
    /// </summary>
    /// <exception cref="BadFileException">The file that is there is no log.</exception>
    public RunLog(string path, long step)
    {
        string[] kept = step > 0 && File.Exists(path) ? Kept(path, step) : [];
        string[] last = kept.Length > 0 ? kept[^1].Split(',') : [""];
        if (double.TryParse(last[^1], CultureInfo.InvariantCulture, out double seconds)) Seconds = seconds;
        writer = new StreamWriter(path, append: false) { AutoFlush = true, NewLine = "\n" };
        writer.Write(string.Concat(kept.Prepend(string.Join(',', Columns)).Select(line => line + "\n")));
    }

    /// <summary>The seconds that the run had taken by the last line kept.</summary>
    public double Seconds { get; }

    /// <summary>Adds a step.</summary>
    public void Write(StepStatus status)
    {
        var report = status.Report;
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Step},{Known(report.Loss):F6},{status.ValidationLoss:F6},{report.LearningRate:G6},"
            + $"{status.TokensPerSecond:F0},{report.PeakBytes},{status.LiveBytes},{Known(report.GradientNorm):G6},"
            + $"{(status.ValidationLoss is { } validation ? Math.Exp(validation) : null):G6},{status.Seconds:F1}"));
    }

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    /// <summary>Nothing for a number that was not read.</summary>
    private static double? Known(double number) => double.IsNaN(number) ? null : number;

    private static string[] Kept(string path, long step)
    {
        string[] lines = File.ReadAllLines(path), names = lines is [var header, ..] ? header.Split(',') : [];
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
