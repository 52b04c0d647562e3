using System.Text;

namespace Mayfly;

/// <summary>A text that a model wrote.</summary>
/// <param name="Title">What it is: the prompt, the step, how it was drawn.</param>
/// <param name="Text">The text.</param>
public readonly record struct RunSample(string Title, string Text);

/// <summary>
/// A run on one page: final figures, curves of loss, learning rate, throughput and memory, settings and sample texts. The page is one XHTML
/// file that needs no script, no network and no other file, on light and dark screens of any width.
/// </summary>
public sealed record RunReport
{
    /// <summary>The heading.</summary>
    public required string Title { get; init; }

    /// <summary>The points in the order of their steps. More than a chart can show are thinned out, so that extremes stay.</summary>
    public IReadOnlyList<RunPoint> Points { get; init; } = [];

    /// <summary>Names and values of the settings.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Settings { get; init; } = [];

    /// <summary>What a step holds in memory; null leaves it out.</summary>
    public MemoryTimeline? Memory { get; init; }

    /// <summary>Texts that the model wrote.</summary>
    public IReadOnlyList<RunSample> Samples { get; init; } = [];

    /// <summary>Writes the page to a file, whole or not at all.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void Save(string path) => Files.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToHtml())));

    /// <summary>The page. It depends on this record only.</summary>
    public string ToHtml()
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" "
            + "content=\"light dark\"/>\n");
        page.Append($"<title>{Html.Text(Title)}</title>\n<style>\n{ReportStyle.Css}\n</style>\n</head>\n<body>\n<main>\n");
        page.Append($"<header>\n<h1>{Html.Text(Title)}</h1>\n{RunFigures.ToHtml(Points)}</header>\n");
        foreach (string chart in RunCharts.ToHtml(Points)) page.Append(chart);
        if (Memory is not null)
            page.Append("<figure class=\"whole\">\n<figcaption><h2>Memory over a step</h2></figcaption>\n").Append(Memory.ToSvg())
                .Append("</figure>\n");
        AppendSettings(page);
        AppendSamples(page);
        return page.Append("</main>\n</body>\n</html>\n").ToString();
    }

    private void AppendSettings(StringBuilder page)
    {
        if (Settings.Count == 0) return;
        page.Append("<section class=\"whole\">\n<h2>Configuration</h2>\n<dl class=\"settings\">\n");
        foreach (var (name, value) in Settings) page.Append($"<div><dt>{Html.Text(name)}</dt><dd>{Html.Text(value)}</dd></div>\n");
        page.Append("</dl>\n</section>\n");
    }

    private void AppendSamples(StringBuilder page)
    {
        if (Samples.Count == 0) return;
        page.Append("<section class=\"whole\">\n<h2>Sample texts</h2>\n");
        foreach (var (title, text) in Samples) page.Append($"<h3>{Html.Text(title)}</h3>\n<pre>{Html.Text(text)}</pre>\n");
        page.Append("</section>\n");
    }
}
