using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>The figures at the head of a report.</summary>
internal static class RunFigures
{
    /// <summary>A list of them; those that were never measured are left out.</summary>
    public static string ToHtml(IReadOnlyList<RunPoint> points)
    {
        if (points.Count == 0) return "<p class=\"none\">The run has no steps yet.</p>\n";
        var html = new StringBuilder("<dl class=\"figures\">\n");
        foreach (var (name, value, note) in All(points))
            html.Append($"<div><dt>{name}</dt><dd>{value}{(note.Length > 0 ? $" <small>{note}</small>" : "")}</dd></div>\n");
        return html.Append("</dl>\n").ToString();
    }

    private static IEnumerable<(string Name, string Value, string Note)> All(IReadOnlyList<RunPoint> points)
    {
        yield return ("steps", Invariant($"{points[^1].Step:N0}"), "");
        var loss = new Line("", "", [], [.. points.Select(point => point.Loss)]).Smoothed("", "");
        if (loss.Drawn.Any()) yield return ("training loss", Invariant($"{loss.Drawn.Last():F4}"), "smoothed");
        RunPoint[] validated = [.. points.Where(point => Line.IsDrawn(point.ValidationLoss))];
        if (validated.Length > 0)
            yield return ("validation loss", Invariant($"{validated[^1].ValidationLoss:F4}"),
                Invariant($"at step {validated[^1].Step:N0}"));
        if (validated.Length > 0) yield return ("perplexity", Invariant($"{validated[^1].Perplexity:G5}"), "of the validation loss");
        if (validated.Length > 0 && Line.IsDrawn(validated[^1].BitsPerByte))
            yield return ("bits per byte", Invariant($"{validated[^1].BitsPerByte:F4}"), "of the validation text");
        if (validated.Length > 0 && Line.IsDrawn(validated[^1].Accuracy))
            yield return ("accuracy", Invariant($"{validated[^1].Accuracy:P1}"), "of the next token, in validation");
        if (validated.Length > 1 && validated.MinBy(point => point.ValidationLoss) is var best)
            yield return ("best validation loss", Invariant($"{best.ValidationLoss:F4}"), Invariant($"at step {best.Step:N0}"));
        if (Median([.. points.Select(point => point.TokensPerSecond).Where(Line.IsDrawn)]) is { } speed)
            yield return ("tokens/s", Invariant($"{speed:N0}"), "median");
        double[] peaks = [.. points.Select(point => point.PeakBytes).Where(Line.IsDrawn)];
        if (Line.IsDrawn(points[^1].Seconds)) yield return ("duration", Time(TimeSpan.FromSeconds(points[^1].Seconds)), "of training");
        if (peaks.Length > 0) yield return ("memory at peak", Size(peaks.Max()), "of all steps");
    }

    private static double? Median(double[] values)
    {
        Array.Sort(values);
        return values.Length == 0 ? null : (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }

    private static string Time(TimeSpan time) => Invariant($"{(long)time.TotalHours}:{time:mm\\:ss}");

    private static string Size(double bytes) => bytes >= 1 << 30 ? Invariant($"{bytes / (1 << 30):F2} GiB") : bytes >= 1 << 20
        ? Invariant($"{bytes / (1 << 20):F1} MiB") : Invariant($"{bytes / 1024:F1} KiB");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
