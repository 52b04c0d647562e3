using System.Globalization;
using System.Xml.Linq;

namespace Mayfly.Tests;

public class RunReportTests
{
    private static readonly XNamespace Xhtml = "http://www.w3.org/1999/xhtml";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(37)]
    [InlineData(100_000)]
    public void Runs_of_any_length_give_a_well_formed_page_of_bounded_size(int count)
    {
        string html = Page(Run(count)).ToHtml();
        var page = XDocument.Parse(html);
        Assert.Equal(5, page.Descendants(Xhtml + "figure").Count());
        Assert.Equal(count == 0 ? 0 : 5, page.Descendants(Xhtml + "svg").Count());
        Assert.True(html.Length < 200_000, $"{html.Length} characters");
        Assert.DoesNotContain("NaN", html);
        Assert.DoesNotContain("∞", html);
        Assert.DoesNotContain("<script", html);
    }

    [Fact]
    public void The_only_point_is_a_dot_inside_the_drawing()
    {
        var page = XDocument.Parse(Page([Point(1) with { Loss = 4 }]).ToHtml());
        var svg = page.Descendants(Xhtml + "svg").First();
        string path = Paths(svg, "main").Single();
        double[] at = [.. path[1..^2].Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture))];
        Assert.EndsWith("h0", path);
        Assert.InRange(at[0], 0, 1100);
        Assert.InRange(at[1], 0, 380);
    }

    [Fact]
    public void Values_that_cannot_be_drawn_make_a_gap()
    {
        double[] loss = [4, 3, double.NaN, 2, double.PositiveInfinity, double.NegativeInfinity, 1, 1.5];
        var page = XDocument.Parse(Page([.. loss.Select((value, i) => Point(i + 1) with { Loss = value })]).ToHtml());
        string path = Paths(page.Descendants(Xhtml + "svg").First(), "raw").Single();
        Assert.Equal(3, path.Count(c => c == 'M'));
        Assert.Equal(2, path.Count(c => c == 'L'));
    }

    [Fact]
    public void What_was_never_measured_has_no_line_and_no_figure()
    {
        var blank = new RunPoint(1, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN, double.NaN);
        var page = XDocument.Parse(Page([blank]).ToHtml());
        Assert.Empty(page.Descendants(Xhtml + "svg"));
        Assert.Equal("steps", page.Descendants(Xhtml + "dl").First().Descendants(Xhtml + "dt").Single().Value);
    }

    [Fact]
    public void Text_survives_the_page_as_it_is()
    {
        string wild = "</pre><script>alert('x & \"y\"')</script>\t\r\n€ 😀 ]]>";
        var report = new RunReport { Title = wild, Settings = [new(wild, wild)], Samples = [new(wild, wild)], Points = Run(3) };
        var page = XDocument.Parse(report.ToHtml());
        Assert.Equal(wild, page.Descendants(Xhtml + "title").Single().Value);
        Assert.Equal(wild, page.Descendants(Xhtml + "h1").Single().Value);
        Assert.Equal(wild, page.Descendants(Xhtml + "pre").Single().Value);
        Assert.Equal([wild, wild], page.Descendants(Xhtml + "dl").Last().Descendants(Xhtml + "div").Single().Elements().Select(e =>
            e.Value));
        Assert.DoesNotContain("<script", report.ToHtml());
    }

    [Fact]
    public void What_xml_cannot_hold_is_replaced()
    {
        Assert.Equal("a\uFFFDb\uFFFDc\uFFFDd\uFFFD", Html.Text("a\0b\u001Bc\uD83Dd\uFFFF"));
        XDocument.Parse(new RunReport { Title = string.Concat(Enumerable.Range(0, 0x10000).Select(i => (char)i)) }.ToHtml());
    }

    [Fact]
    public void The_page_does_not_depend_on_the_culture()
    {
        var before = CultureInfo.CurrentCulture;
        string expected = Page(Run(50)).ToHtml();
        try
        {
            CultureInfo.CurrentCulture =
                new CultureInfo("") { NumberFormat = { NumberDecimalSeparator = ",", NumberGroupSeparator = ".", NegativeSign = "~" } };
            Assert.Equal(expected, Page(Run(50)).ToHtml());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void The_figures_are_those_of_the_run()
    {
        RunPoint[] points =
        [
            Point(1) with { Loss = 3, ValidationLoss = 2.5, TokensPerSecond = 1000 }, Point(2) with { Loss = 3, TokensPerSecond = 3000 },
            Point(3) with { Loss = 3, ValidationLoss = 2.75, TokensPerSecond = 2000, PeakBytes = 3 << 20 },
        ];
        var figures = XDocument.Parse(Page(points).ToHtml()).Descendants(Xhtml + "dl").First().Elements().Select(e => e.Value);
        Assert.Equal(
        [
            "steps3", "training loss3.0000 smoothed", "validation loss2.7500 at step 3",
                "perplexity15.643 of the validation loss", "best validation loss2.5000 at step 1",
                "tokens/s2,000 median",
            "memory at peak3.0 MiB of all steps",
        ], figures);
    }

    [Fact]
    public void A_page_is_saved_whole()
    {
        using var folder = new TemporaryFolder();
        var report = Page(Run(5));
        report.Save(folder.File("a/run.html"));
        Assert.Equal(report.ToHtml(), File.ReadAllText(folder.File("a/run.html")));
        Assert.Throws<InputException>(() => report.Save(folder.Path));
    }

    private static RunReport Page(IReadOnlyList<RunPoint> points) =>
        new() { Title = "Run", Points = points, Settings = [new("seed", "1")] };

    private static RunPoint[] Run(int count) => [.. Enumerable.Range(1, count).Select(Point)];

    private static RunPoint Point(int step) =>
        new(step, 1 + 3.0 / step + Math.Sin(step) / 5, step % 10 == 0 ? 1.5 + 3.0 / step
            : double.NaN, 1e-3 * step, 15_000 + 100 * (step % 7), 1 << 20, 1 << 19);

    private static IEnumerable<string> Paths(XElement svg, string style) =>
        svg.Elements(Xhtml + "path").Where(path => path.Attribute("class")!.Value == style).Select(path => path.Attribute("d")!.Value);
}
