namespace Mayfly;

/// <summary>The charts of a run.</summary>
internal static class RunCharts
{
    private const double KiB = 1024, MiB = KiB * KiB, GiB = MiB * KiB;
    private const int Wide = 1100, WideHeight = 380, Narrow = 380, NarrowHeight = 250;

    /// <summary>The loss over the whole width, in a second form for narrow pages; the others beside each other.</summary>
    public static IEnumerable<string> ToHtml(IReadOnlyList<RunPoint> points)
    {
        var loss = Loss(points);
        yield return loss.ToHtml("whole wide", Wide, WideHeight);
        yield return loss.ToHtml("whole narrow", Narrow, NarrowHeight);
        Chart[] small = [LearningRate(points), GradientNorm(points), Throughput(points), Memory(points)];
        bool hasNorm = points.Any(point => Mayfly.Line.IsDrawn(point.GradientNorm)); // logs of earlier versions have none
        foreach (var chart in hasNorm ? small : [small[0], .. small[2..]]) yield return chart.ToHtml("", Narrow, NarrowHeight);
    }

    private static Chart Loss(IReadOnlyList<RunPoint> points)
    {
        var raw = Line(points, "each step", ReportStyle.Raw, point => point.Loss);
        var validation = Line(points, "validation", ReportStyle.Points, point => point.ValidationLoss).Joined();
        return new Chart("Loss", "nats per token", FromZero: false, raw, raw.Smoothed("training, smoothed", ReportStyle.Main), validation);
    }

    private static Chart LearningRate(IReadOnlyList<RunPoint> points) =>
        new("Learning rate", "of the step", FromZero: true, Line(points, "learning rate", ReportStyle.Main, point => point.LearningRate));

    private static Chart GradientNorm(IReadOnlyList<RunPoint> points)
    {
        var raw = Line(points, "each step", ReportStyle.Raw, point => point.GradientNorm);
        return new Chart("Gradient norm", "before clipping", FromZero: true, raw, raw.Smoothed("smoothed", ReportStyle.Main));
    }

    private static Chart Throughput(IReadOnlyList<RunPoint> points)
    {
        var raw = Line(points, "each step", ReportStyle.Raw, point => point.TokensPerSecond);
        return new Chart("Throughput", "tokens/s", FromZero: true, raw, raw.Smoothed("smoothed", ReportStyle.Main));
    }

    private static Chart Memory(IReadOnlyList<RunPoint> points)
    {
        double most = points.Select(point => Math.Max(Known(point.PeakBytes), Known(point.LiveBytes))).DefaultIfEmpty(0).Max();
        var (unit, name) = most >= GiB ? (GiB, "GiB") : most >= MiB ? (MiB, "MiB") : (KiB, "KiB");
        var peak = Line(points, "peak", ReportStyle.Main, point => point.PeakBytes / unit);
        return new Chart("Memory", name, FromZero: true, peak, Line(points, "live", ReportStyle.Second, point => point.LiveBytes / unit));
    }

    private static double Known(double value) => Mayfly.Line.IsDrawn(value) ? value : 0;

    private static Line Line(IReadOnlyList<RunPoint> points, string name, string style, Func<RunPoint, double> value) =>
        new(name, style, [.. points.Select(point => (double)point.Step)], [.. points.Select(value)]);
}
