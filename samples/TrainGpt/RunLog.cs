using System.Globalization;

namespace TrainGpt;

/// <summary>The log of a run: one line a step, written at once, so that it can be watched and nothing is lost.</summary>
internal sealed class RunLog : IDisposable
{
    public const string FileName = "log.csv", PreviousFileName = "log.previous.csv", Header = "step,loss,validation_loss,learning_rate,tokens_per_second,peak_bytes";
    private readonly StreamWriter writer;

    /// <summary>Goes on after <paramref name="step"/>: later lines, of steps that were lost with their snapshot, are dropped. 0 starts anew and keeps the log of a run before it as the previous one.</summary>
    public RunLog(string path, long step)
    {
        if (step == 0 && File.Exists(path)) File.Move(path, Path.Combine(Path.GetDirectoryName(path)!, PreviousFileName), overwrite: true);
        string[] kept = step > 0 && File.Exists(path) ? [.. File.ReadLines(path).Where(line => IsUpTo(line, step))] : [];
        writer = new StreamWriter(path, append: false) { AutoFlush = true, NewLine = "\n" };
        writer.Write(string.Concat(kept.Prepend(Header).Select(line => line + "\n")));
    }

    /// <summary>Adds a step.</summary>
    public void Write(StepStatus status) => writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{status.Report.Step},{status.Report.Loss:F6},{status.ValidationLoss:F6},{status.Report.LearningRate:G6},{status.TokensPerSecond:F0},{status.Report.PeakBytes}"));

    /// <inheritdoc/>
    public void Dispose() => writer.Dispose();

    private static bool IsUpTo(string line, long step) =>
        long.TryParse(line.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long at) && at <= step;
}
