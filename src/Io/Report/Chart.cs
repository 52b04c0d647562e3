using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>A chart of lines over the steps of a run, as SVG in XHTML. Colors and sizes of text come from the page's style sheet.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Unit">The unit of the values, written at the axis.</param>
/// <param name="FromZero">True where the axis begins at zero.</param>
/// <param name="Lines">The lines, the last one on top.</param>
internal sealed record Chart(string Title, string Unit, bool FromZero, params Line[] Lines)
{
    private const int Left = 62, Right = 22, Top = 26, Bottom = 42, PixelsPerXTick = 70, PixelsPerYTick = 34, MostMarkers = 60;

    /// <summary>A figure with the legend above the drawing.</summary>
    /// <param name="style">The figure's class.</param>
    /// <param name="width">The drawing's width in units of its text's size; it is scaled to its place.</param>
    /// <param name="height">Its height.</param>
    public string ToHtml(string style, int width, int height)
    {
        var html = new StringBuilder();
        html.Append(CultureInfo.InvariantCulture, $"<figure class=\"{style}\">\n<figcaption><h2>{Html.Text(Title)}</h2>");
        foreach (var line in Lines.Where(line => Lines.Length > 1 && line.Drawn.Any()))
            html.Append($"<span class=\"key {line.Style}\">{Html.Text(line.Name)}</span>");
        html.Append("</figcaption>\n");
        if (Lines.Any(line => line.Drawn.Any())) Draw(html, width, height);
        else html.Append("<p class=\"none\">Nothing was measured.</p>\n");
        return html.Append("</figure>\n").ToString();
    }

    private void Draw(StringBuilder html, int width, int height)
    {
        Axis steps = Steps((width - Left - Right) / PixelsPerXTick), values = Values((height - Top - Bottom) / PixelsPerYTick);
        html.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {width} {height}\" role=\"img\" "
            + $"aria-label=\"{Html.Text($"{Title}, {Unit}, by step")}\">\n");
        foreach (double tick in values.Ticks) html.Append(YTick(Y(tick), width, values.Label(tick)));
        foreach (double tick in steps.Ticks) html.Append(XTick(X(tick), height, steps.Label(tick)));
        html.Append(Text(2, Top - 14, "unit", Unit)).Append(Text(width - Right, height - 4, "end", "step"));
        foreach (var line in Lines) DrawLine(html, line, X, Y, (width - Left - Right) / 2);
        html.Append("</svg>\n");

        double X(double step) => Left + steps.Place(step) * (width - Left - Right);
        double Y(double value) => Top + (1 - values.Place(value)) * (height - Top - Bottom);
    }

    private static void DrawLine(StringBuilder html, Line line, Func<double, double> x, Func<double, double> y, int buckets)
    {
        html.Append($"<path class=\"{line.Style}\" d=\"{line.Path(x, y, buckets)}\"/>\n");
        if (line.Style != ReportStyle.Points || line.Y.Length > MostMarkers) return;
        foreach (var (step, value) in line.X.Zip(line.Y))
            html.Append(CultureInfo.InvariantCulture,
                $"<circle class=\"{line.Style}\" cx=\"{x(step):0.#}\" cy=\"{y(value):0.#}\" r=\"3\"/>");
    }

    /// <summary>From zero where the run was recorded from about its beginning on; ticks lie on whole steps.</summary>
    private Axis Steps(int most)
    {
        double low = Lines.SelectMany(line => line.X).Min(), high = Lines.SelectMany(line => line.X).Max();
        var axis = Axis.Over(low <= 1 + high / 20 ? 0 : low, high, Math.Max(most, 2));
        return axis with { Step = Math.Max(axis.Step, 1) };
    }

    private Axis Values(int most)
    {
        double low = Lines.SelectMany(line => line.Drawn).Min(), high = Lines.SelectMany(line => line.Drawn).Max();
        return Axis.Over(FromZero ? Math.Min(low, 0) : low, high, Math.Max(most, 2)).Rounded();
    }

    private static string YTick(double y, int width, string label) => string.Create(CultureInfo.InvariantCulture,
        $"<path class=\"rule\" d=\"M{Left} {y:0.#}H{width - Right}\"/>") + Text(Left - 8, y + 4, "end", label) + "\n";

    private static string XTick(double x, int height, string label) => string.Create(CultureInfo.InvariantCulture,
        $"<path class=\"rule\" d=\"M{x:0.#} {height - Bottom}v5\"/>") + Text(x, height - Bottom + 19, "middle", label) + "\n";

    private static string Text(double x, double y, string style, string text) =>
        string.Create(CultureInfo.InvariantCulture, $"<text class=\"{style}\" x=\"{x:0.#}\" y=\"{y:0.#}\">") + Html.Text(text) + "</text>";
}
