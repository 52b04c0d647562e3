using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly;

/// <summary>What a device's arena held over a step.</summary>
/// <param name="Title">What the step was, such as its mode.</param>
/// <param name="Trace">The step.</param>
public sealed record MemoryCourse(string Title, ArenaTrace Trace);

/// <summary>
/// The live bytes of each use over one or more steps, side by side at one scale: as a drawing, in which every piece of memory taken or
/// given back is one unit further to the right, and as JSON.
/// </summary>
public sealed record MemoryTimeline
{
    private const int Width = 1080, Height = 400, Left = 70, Right = 12, Top = 62, Bottom = 64, Gap = 26, PixelsPerTick = 44;

    /// <summary>The uses from the bottom up: gradients, which live shortest, lie on top.</summary>
    private static readonly (Use Use, string Name, string Color)[] Uses =
    [
        (Use.Weight, "weights", "#8a97a6"), (Use.State, "optimizer state", "#b9a56b"), (Use.Activation, "activations", "#4f93e0"),
        (Use.Stream, "stream buffers", "#6f7f4f"), (Use.Scratch, "workspace", "#2fae8c"), (Use.Gradient, "gradients", "#e0562f"),
    ];

    private static readonly (StepPhase Phase, string Name, string Color)[] Phases =
    [
        (StepPhase.Forward, "forward", "#a9c9f0"), (StepPhase.Recompute, "forward again", "#5f8fc9"),
        (StepPhase.Backward, "backward", "#f0b9a9"), (StepPhase.Update, "update", "#9a4ec0"),
    ];

    /// <summary>The steps.</summary>
    public required IReadOnlyList<MemoryCourse> Courses { get; init; }

    /// <summary>Writes a file: JSON where its name ends in .json, else a drawing.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void Save(string path)
    {
        string text = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ToJson() : ToSvg();
        Files.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The drawing, which needs no style sheet.</summary>
    public string ToSvg()
    {
        long most = Courses.Max(course => course.Trace.Peak().Bytes);
        var axis = Axis.Over(0, most / Unit(most).Bytes, (Height - Top - Bottom) / PixelsPerTick).Rounded();
        var svg = new StringBuilder();
        svg.Append("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" ")
            .Append(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {Width} {Height}\" ")
            .Append("font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#5c6670\" ")
            .Append("aria-label=\"Live bytes of each use over a step\">\n");
        AppendLegend(svg);
        AppendAxis(svg, axis, Unit(most).Name);
        for (int i = 0; i < Courses.Count; i++) new Panel(this, i, axis.High * Unit(most).Bytes).Append(svg);
        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>
    /// Every piece that was taken or, below zero, given back, with its use, its maker and the moment; and what there was before.
    /// </summary>
    public string ToJson()
    {
        var courses = Courses.Select(course => (JsonNode)new JsonObject
        {
            ["title"] = course.Title,
            ["peak"] = course.Trace.Peak().Bytes,
            ["start"] = new JsonObject(Uses.Select(use => KeyValuePair.Create(Name(use.Use), (JsonNode?)course.Trace.Start[(int)use.Use]))),
            ["events"] = new JsonArray([.. course.Trace.Events.Select(Event)]),
        });
        return new JsonObject { ["steps"] = new JsonArray([.. courses]) }.ToJsonString() + "\n";
    }

    private static JsonObject Event(ArenaEvent e)
    {
        var json = new JsonObject
        {
            ["bytes"] = e.Bytes, ["use"] = Name(e.Use), ["maker"] = e.Maker, ["phase"] = Name(e.Moment.Phase), ["what"] = e.Moment.What,
        };
        if (e.Moment.Where is { } where) json["where"] = where;
        return json;
    }

    private static string Name(Enum word) => JsonNamingPolicy.CamelCase.ConvertName(word.ToString());

    private static (string Name, double Bytes) Unit(long most) =>
        most >= 1L << 31 ? ("GiB", 1L << 30) : most >= 1 << 21 ? ("MiB", 1 << 20) : ("KiB", 1 << 10);

    private static void AppendLegend(StringBuilder svg)
    {
        AppendKeys(svg, 0, 16, Uses.Reverse().Select(use => (use.Name, use.Color)));
        AppendKeys(svg, 600, 16, Phases.Select(phase => (phase.Name, phase.Color)));
    }

    private static void AppendKeys(StringBuilder svg, double x, double y, IEnumerable<(string Name, string Color)> keys)
    {
        foreach (var (name, color) in keys)
        {
            svg.Append(Rectangle(x, y - 9, 10, 10, color)).Append(Text(x + 15, y, "start", name));
            x += 32 + 6.6 * name.Length;
        }
    }

    private static void AppendAxis(StringBuilder svg, Axis axis, string unit)
    {
        foreach (double tick in axis.Ticks)
        {
            double y = Top + (1 - axis.Place(tick)) * (Height - Top - Bottom);
            svg.Append(Rectangle(Left, y, Width - Left - Right, 0.5, "#8a97a6")).Append(Text(Left - 8, y + 4, "end", axis.Label(tick)));
        }

        svg.Append(Text(2, Top - 16, "start", unit));
    }

    private static string Rectangle(double x, double y, double width, double height, string color) => string.Create(
        CultureInfo.InvariantCulture,
        $"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{width:0.#}\" height=\"{height:0.#}\" style=\"fill:{color}\"/>\n");

    private static string Text(double x, double y, string anchor, string text) => string.Create(
        CultureInfo.InvariantCulture, $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" style=\"text-anchor:{anchor}\">") + Html.Text(text) + "</text>\n";

    /// <summary>One step: areas over each other, and beneath them what was done.</summary>
    private readonly struct Panel
    {
        private readonly MemoryCourse course;
        private readonly double left, width, scale;

        public Panel(MemoryTimeline timeline, int index, double most)
        {
            course = timeline.Courses[index];
            int count = timeline.Courses.Count;
            width = (Width - Left - Right - (count - 1.0) * Gap) / count;
            left = Left + index * (width + Gap);
            scale = (Height - Top - Bottom) / most;
        }

        public void Append(StringBuilder svg)
        {
            var columns = Columns();
            double step = width / Math.Max(1, columns.Length), top = Height - Bottom;
            for (int use = Uses.Length - 1; use >= 0; use--) AppendArea(svg, columns, use, step);
            for (int i = 0; i < columns.Length; i++)
                if (Phases.FirstOrDefault(phase => phase.Phase == columns[i].Phase).Color is { } color)
                    svg.Append(Rectangle(left + i * step, top + 4, step + 0.3, 8, color));
            svg.Append(Text(left, Height - 32, "start", $"{course.Title}: {Words()}"));
            if (course.Trace.Peak().At is { } at) svg.Append(Text(left, Height - 14, "start", $"most at the {at.Moment}"));
        }

        private string Words()
        {
            var (peak, gradients) = (course.Trace.Peak(), MostGradients());
            return $"{Amount(peak.Bytes)} at the peak; gradients at most {Amount(gradients)}";
        }

        private long MostGradients()
        {
            long live = course.Trace.Start[(int)Use.Gradient], most = live;
            foreach (var e in course.Trace.Events)
                if (e.Use == Use.Gradient) most = Math.Max(most, live += e.Bytes);
            return most;
        }

        /// <summary>The live bytes of each use and what was done, after each event; of more than fit, those of most bytes.</summary>
        private (long[] Live, StepPhase Phase)[] Columns()
        {
            var events = course.Trace.Events;
            int count = Math.Min(events.Count, (int)width);
            var columns = new (long[] Live, StepPhase Phase)[count];
            long[] live = [.. course.Trace.Start];
            for (int i = 0; i < events.Count; i++)
            {
                live[(int)events[i].Use] += events[i].Bytes;
                int at = (int)((long)i * count / events.Count);
                if (columns[at].Live is null || live.Sum() > columns[at].Live.Sum()) columns[at] = ([.. live], events[i].Moment.Phase);
            }

            return columns;
        }

        /// <summary>The area of a use and of all beneath it, over which those beneath are drawn.</summary>
        private void AppendArea(StringBuilder svg, (long[] Live, StepPhase Phase)[] columns, int use, double step)
        {
            double bottom = Height - Bottom;
            svg.Append(CultureInfo.InvariantCulture, $"<polygon style=\"fill:{Uses[use].Color}\" points=\"{left:0.#},{bottom}");
            for (int i = 0; i < columns.Length; i++)
            {
                double y = bottom - scale * Uses.Take(use + 1).Sum(u => (double)columns[i].Live[(int)u.Use]);
                svg.Append(CultureInfo.InvariantCulture, $" {left + i * step:0.##},{y:0.##} {left + (i + 1) * step:0.##},{y:0.##}");
            }

            svg.Append(CultureInfo.InvariantCulture, $" {left + width:0.#},{bottom}\"/>\n");
        }

        private static string Amount(long bytes)
        {
            var (name, size) = Unit(2 * bytes);
            return string.Create(CultureInfo.InvariantCulture, $"{bytes / size:0.##} {name}");
        }
    }
}
