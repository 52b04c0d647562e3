using System.Globalization;

namespace Mayfly;

/// <summary>The points of a run, read from its log.</summary>
public static class RunSeries
{
    /// <summary>
    /// Reads comma-separated values under a line of names: <c>step</c>, and any of <c>loss</c>, <c>validation_loss</c>,
    /// <c>learning_rate</c>, <c>tokens_per_second</c>, <c>peak_bytes</c>, <c>live_bytes</c>, <c>gradient_norm</c> and <c>seconds</c>.
    /// Empty and missing values are NaN. A last line that was cut short is left out.
    /// </summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is no line of numbers.</exception>
    public static IReadOnlyList<RunPoint> Read(string path) =>
        BadFileException.Guard(path, "text", "it is no log of a run", () => Parse(TextFile.Read(path), path));

    /// <summary>The points in the text of a log; messages name it <paramref name="file"/>.</summary>
    internal static IReadOnlyList<RunPoint> Parse(string text, string file)
    {
        string[] lines = text.Split('\n');
        var columns = Columns(lines[0], file);
        var points = new List<RunPoint>(lines.Length);
        for (int i = 1; i < lines.Length - 1; i++) // a whole line ends in a line end, so what follows the last one was cut
        {
            if (lines[i].AsSpan().Trim().IsEmpty) continue;
            points.Add(Point(lines[i], columns) ?? throw new BadFileException(file, $"line {i + 1}",
                "it has a value that is no number; delete the line to go on without it."));
        }

        return points;
    }

    private static Dictionary<string, int> Columns(string header, string file)
    {
        var columns = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (column, name) in header.Split(',').Index()) columns.TryAdd(name.Trim(), column);
        return columns.ContainsKey("step") ? columns
            : throw new BadFileException(file, "line 1", "there is no column 'step'; the file is no log of a run.");
    }

    private static RunPoint? Point(string line, Dictionary<string, int> columns)
    {
        bool isGood = true;
        var point = new RunPoint((long)Get("step"), Get("loss"), Get("validation_loss"), Get("learning_rate"), Get("tokens_per_second"),
            Get("peak_bytes"), Get("live_bytes")) { GradientNorm = Get("gradient_norm"), Seconds = Get("seconds") };
        return isGood ? point : null;

        double Get(string name)
        {
            var text = columns.TryGetValue(name, out int column) ? Value(line, column) : [];
            if (text.IsWhiteSpace()) return Missing(name);
            bool parsed = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
            isGood &= parsed;
            return value;
        }

        double Missing(string name)
        {
            isGood &= name != "step";
            return double.NaN;
        }
    }

    /// <summary>What stands in a column of a line; nothing where the line ends before.</summary>
    private static ReadOnlySpan<char> Value(ReadOnlySpan<char> line, int column)
    {
        foreach (var range in line.Split(','))
            if (column-- == 0) return line[range];
        return [];
    }
}
