using System.Globalization;

namespace Mayfly;

/// <summary>The points of a run, read from its log.</summary>
public static class RunSeries
{
    private static readonly string[] Names = ["step", "loss", "validation_loss", "learning_rate", "tokens_per_second", "peak_bytes",
        "live_bytes", "gradient_norm", "seconds"];

    /// <summary>
    /// Reads comma-separated values under a line of names: <c>step</c>, and any of <c>loss</c>, <c>validation_loss</c>,
    /// <c>learning_rate</c>, <c>tokens_per_second</c>, <c>peak_bytes</c>, <c>live_bytes</c>, <c>gradient_norm</c> and <c>seconds</c>.
    /// Empty and missing values are NaN, but a line has at least half of its values. A last line that was cut short is left out.
    /// </summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is no line of numbers.</exception>
    public static IReadOnlyList<RunPoint> Read(string path) =>
        BadFileException.Guard(path, "text", "it is no log of a run", () => Parse(TextFile.Read(path), path));

    /// <summary>The points in the text of a log; messages name it <paramref name="file"/>.</summary>
    internal static IReadOnlyList<RunPoint> Parse(string text, string file)
    {
        var header = text.AsSpan(0, text.IndexOf('\n') is >= 0 and var end ? end : text.Length);
        int[] places = Places(header, file);
        int width = header.Count(',') + 1, count = 0;
        var points = new RunPoint[CountLines(text.AsSpan(header.Length))];
        Span<double> values = stackalloc double[Names.Length];
        var rest = text.AsSpan();
        for (int line = 1; rest.IndexOf('\n') is >= 0 and var length; line++, rest = rest[(length + 1)..])
        {
            if (line == 1 || rest[..length].IsWhiteSpace()) continue;
            if (!TryRead(rest[..length], places, width, values)) throw new BadFileException(file, $"line {line}",
                "it has a value that is no number, or lacks most; delete the line to go on without it.");
            points[count++] = Point(values);
        }

        return points;
    }

    /// <summary>The lines that are whole and not blank: a whole line ends in a line end, so what follows the last one was cut.</summary>
    private static int CountLines(ReadOnlySpan<char> rest)
    {
        int count = 0;
        for (; rest.IndexOf('\n') is >= 0 and var length; rest = rest[(length + 1)..])
            if (!rest[..length].IsWhiteSpace()) count++;
        return count;
    }

    /// <summary>Which value of a line is that of each name; -1 for one that the log lacks.</summary>
    private static int[] Places(ReadOnlySpan<char> header, string file)
    {
        int[] places = [.. Enumerable.Repeat(-1, Names.Length)];
        int place = 0;
        foreach (var range in header.Split(','))
        {
            for (int i = 0; i < places.Length; i++)
                if (places[i] < 0 && header[range].Trim().SequenceEqual(Names[i])) places[i] = place;
            place++;
        }

        return places[0] >= 0 ? places
            : throw new BadFileException(file, "line 1", $"there is no column '{Names[0]}'; the file is no log of a run.");
    }

    /// <summary>
    /// The values of a line in the order of the names; false where it has no step, something else, or less than half of all.
    /// </summary>
    private static bool TryRead(ReadOnlySpan<char> line, int[] places, int width, Span<double> values)
    {
        if (2 * (line.Count(',') + 1) < width) return false;
        for (int i = 0; i < places.Length; i++)
        {
            var text = Value(line, places[i]);
            if (text.IsWhiteSpace()) values[i] = double.NaN;
            else if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out values[i])) return false;
        }

        return !double.IsNaN(values[0]);
    }

    private static RunPoint Point(ReadOnlySpan<double> values) =>
        new((long)values[0], values[1], values[2], values[3], values[4], values[5], values[6])
            { GradientNorm = values[7], Seconds = values[8] };

    /// <summary>What stands in a column of a line; nothing where the line ends before.</summary>
    private static ReadOnlySpan<char> Value(ReadOnlySpan<char> line, int column)
    {
        foreach (var range in line.Split(','))
            if (column-- == 0) return line[range];
        return [];
    }
}
