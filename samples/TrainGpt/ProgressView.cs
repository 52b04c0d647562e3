using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace TrainGpt;

/// <summary>Shows a run while it goes on.</summary>
internal interface IProgressView
{
    /// <summary>Runs the training, which reports each step.</summary>
    void Show(Action<Action<StepStatus>> train);
}

/// <summary>A panel that is drawn anew in place, at most ten times a second.</summary>
internal sealed class ProgressView(IAnsiConsole console, RunClock clock) : IProgressView
{
    private const double SecondsBetweenDrawings = 0.1, Smoothing = 0.95;
    private const int BarWidth = 40;
    private double smoothLoss, drawnAt;
    private string validation = "-";

    /// <inheritdoc/>
    public void Show(Action<Action<StepStatus>> train) => console.Live(new Text("The first step ...")).Start(live => train(status =>
    {
        Follow(status);
        bool isLast = status.Report.Step == clock.Steps;
        if (!isLast && status.ValidationLoss is null && clock.Elapsed.TotalSeconds - drawnAt < SecondsBetweenDrawings) return;
        drawnAt = clock.Elapsed.TotalSeconds;
        live.UpdateTarget(Draw(status));
    }));

    private void Follow(StepStatus status)
    {
        if (!double.IsNaN(status.Report.Loss)) smoothLoss = smoothLoss == 0 ? status.Report.Loss
            : Smoothing * smoothLoss + (1 - Smoothing) * status.Report.Loss;
        if (status.ValidationLoss is { } loss) validation = Invariant($"{loss:F4} at step {status.Report.Step:N0}");
    }

    private Panel Draw(StepStatus status)
    {
        long step = status.Report.Step;
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap());
        Row(grid, "step", Invariant($"{step:N0} of {clock.Steps:N0}  {Bar(step)}"));
        Row(grid, "loss", Invariant($"{smoothLoss:F4}"));
        Row(grid, "validation loss", validation);
        Row(grid, "learning rate", Invariant($"{status.Report.LearningRate:G3}"));
        Row(grid, "tokens/s", Invariant($"{status.TokensPerSecond:N0}"));
        Row(grid, "memory", Invariant($"{RunClock.Size(status.LiveBytes)} live, {RunClock.Size(status.Report.PeakBytes)} at peak"));
        Row(grid, "time left", $"{RunClock.Clock(clock.Left(step))} ({RunClock.Clock(clock.Elapsed)} so far, Ctrl+C saves and ends)");
        return new Panel(grid).Header("Mayfly");
    }

    private string Bar(long step)
    {
        int done = (int)(BarWidth * step / clock.Steps);
        return new string('█', done) + new string('░', BarWidth - done);
    }

    private static void Row(Grid grid, string name, string value) =>
        grid.AddRow(new IRenderable[] { new Text(name, Color.Grey), new Text(value) });

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Plain lines: the first step, one in a hundred, and each with a validation loss.</summary>
internal sealed class PlainProgress(TextWriter output, RunClock clock) : IProgressView
{
    private const int StepsBetweenLines = 100;

    /// <inheritdoc/>
    public void Show(Action<Action<StepStatus>> train) => train(status =>
    {
        bool isFirst = clock.IsFirst(status.Report.Step);
        if (isFirst || status.ValidationLoss is not null || status.Report.Step % StepsBetweenLines == 0) output.WriteLine(Line(status));
    });

    private string Line(StepStatus status)
    {
        string loss = double.IsNaN(status.Report.Loss) ? "not read" : Invariant($"{status.Report.Loss:F4}");
        string validation = status.ValidationLoss is { } measured ? Invariant($" | validation loss {measured:F4}") : "";
        string memory = $"{RunClock.Size(status.LiveBytes)} live, {RunClock.Size(status.Report.PeakBytes)} at peak";
        string left = RunClock.Clock(clock.Left(status.Report.Step));
        string speed = Invariant($"{status.TokensPerSecond:N0} tokens/s");
        return $"step {status.Report.Step} of {clock.Steps} | loss {loss}{validation} | {speed} | memory {memory} | {left} left";
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The time of a run.</summary>
/// <param name="done">Steps done before it began.</param>
/// <param name="steps">The last step.</param>
internal sealed class RunClock(long done, long steps)
{
    private readonly long start = Stopwatch.GetTimestamp();

    /// <summary>The last step.</summary>
    public long Steps => steps;

    /// <summary>The time since the beginning.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(start);

    /// <summary>True for the first step of this run.</summary>
    public bool IsFirst(long step) => step == done + 1;

    /// <summary>The time left after <paramref name="step"/> if steps go on to take as long as they did.</summary>
    public TimeSpan Left(long step) => step <= done ? TimeSpan.Zero : Elapsed / (step - done) * (steps - step);

    /// <summary>Minutes and seconds, with hours where there are any.</summary>
    public static string Clock(TimeSpan time) => time.TotalHours < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time:m\\:ss}")
        : string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time:mm\\:ss}");

    /// <summary>Bytes as MiB, or KiB below one.</summary>
    public static string Size(long bytes) => bytes < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F1} KiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB");
}
