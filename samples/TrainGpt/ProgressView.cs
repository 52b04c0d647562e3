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

    /// <summary>Hears, while the training runs, how far an evaluation is.</summary>
    void Evaluating(EvaluationProgress progress);
}

/// <summary>A panel that is drawn anew in place, at most ten times a second.</summary>
internal sealed class ProgressView(IAnsiConsole console, RunClock clock) : IProgressView
{
    private const double SecondsBetweenDrawings = 0.1, Smoothing = 0.95;
    private const int BarWidth = 40;
    private double lossSum, lossWeight, drawnAt;
    private string validation = "-";
    private LiveDisplayContext? live;
    private StepStatus? last;

    /// <inheritdoc/>
    public void Show(Action<Action<StepStatus>> train) => console.Live(new Text("The first step ...")).Start(display =>
    {
        live = display;
        train(Follow);
    });

    /// <inheritdoc/>
    public void Evaluating(EvaluationProgress progress)
    {
        if (last is null || clock.Elapsed.TotalSeconds - drawnAt < SecondsBetweenDrawings) return;
        string before = validation;
        validation = Invariant($"measuring, {progress.Percent} % of {progress.Of:N0} tokens");
        Update(last);
        validation = before;
    }

    /// <summary>The first losses count fully instead of from zero.</summary>
    private void Follow(StepStatus status)
    {
        double loss = status.Report.Loss;
        if (!double.IsNaN(loss))
            (lossSum, lossWeight) = (Smoothing * lossSum + (1 - Smoothing) * loss, Smoothing * lossWeight + (1 - Smoothing));
        if (status.ValidationLoss is { } measured) validation = Invariant($"{measured:F4} at step {status.Report.Step:N0}");
        last = status;
        bool isLast = status.Report.Step == clock.Steps;
        if (isLast || status.ValidationLoss is not null || clock.Elapsed.TotalSeconds - drawnAt >= SecondsBetweenDrawings) Update(status);
    }

    private void Update(StepStatus status)
    {
        drawnAt = clock.Elapsed.TotalSeconds;
        live!.UpdateTarget(Draw(status));
    }

    private Panel Draw(StepStatus status)
    {
        long step = status.Report.Step;
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().NoWrap());
        Row(grid, "step", Invariant($"{step:N0} of {clock.Steps:N0}  {Bar(step)}"));
        Row(grid, "loss", lossWeight > 0 ? Invariant($"{lossSum / lossWeight:F4}") : "-");
        Row(grid, "validation loss", validation);
        Row(grid, "learning rate", Invariant($"{status.Report.LearningRate:G3}"));
        Row(grid, "tokens/s", clock.Speed(status));
        Row(grid, "memory", Invariant($"{RunClock.Size(status.LiveBytes)} live, {RunClock.Size(status.Report.PeakBytes)} at peak"));
        string key = step < clock.Steps ? ", Ctrl+C saves and ends" : "";
        Row(grid, "time left", $"{clock.Left(status)} ({RunClock.Clock(clock.Elapsed)} so far{key})");
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
    private const double SecondsBetweenEvaluationLines = 10;
    private double saidAt;

    /// <inheritdoc/>
    public void Evaluating(EvaluationProgress progress)
    {
        if (progress.Tokens == 0) Begin(progress);
        if (clock.Elapsed.TotalSeconds - saidAt < SecondsBetweenEvaluationLines) return;
        saidAt = clock.Elapsed.TotalSeconds;
        output.WriteLine(EvaluationLine.Text(progress));
    }

    private void Begin(EvaluationProgress progress)
    {
        saidAt = clock.Elapsed.TotalSeconds;
        string whole = progress.IsWhole ? "" : "; --evaluate-tokens 0 takes all";
        if (progress.IsAtEnd) output.WriteLine(Invariant($"evaluating on {progress.Of:N0} of {progress.All:N0} tokens{whole}"));
    }

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
        string speed = clock.Speed(status), left = clock.Left(status);
        return $"step {status.Report.Step} of {clock.Steps} | loss {loss}{validation} | {speed} tokens/s | memory {memory} | {left} left";
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

    /// <summary>The time left if steps go on to take as long as they did; a dash before a second of them is over.</summary>
    public string Left(StepStatus status)
    {
        long step = status.Report.Step;
        return IsKnown(status) ? Clock(step <= done ? TimeSpan.Zero : Elapsed / (step - done) * (steps - step)) : "-";
    }

    /// <summary>The tokens per second; a dash before a second of training is over.</summary>
    public string Speed(StepStatus status) =>
        IsKnown(status) ? string.Create(CultureInfo.InvariantCulture, $"{status.TokensPerSecond:N0}") : "-";

    private bool IsKnown(StepStatus status) => status.IsSettled || status.Report.Step == steps;

    /// <summary>Minutes and seconds, with hours where there are any.</summary>
    public static string Clock(TimeSpan time) => time.TotalHours < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time:m\\:ss}")
        : string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours}:{time:mm\\:ss}");

    /// <summary>Bytes as KiB, MiB or GiB.</summary>
    public static string Size(long bytes) => bytes < 1 << 20
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F1} KiB")
        : bytes < 1 << 30 ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:F1} MiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:F1} GiB");
}
