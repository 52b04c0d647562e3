using System.Collections;
using System.Globalization;

namespace Mayfly;

/// <summary>The points of a run, read from its log.</summary>
public static class RunSeries
{
    private static readonly string[] Names = ["step", "loss", "validation_loss", "learning_rate", "tokens_per_second", "peak_bytes",
        "live_bytes", "gradient_norm", "seconds", "bits_per_byte", "accuracy"];

    /// <summary>
    /// Reads comma-separated values under a line of names: <c>step</c>, and any of <c>loss</c>, <c>validation_loss</c>,
    /// <c>learning_rate</c>, <c>tokens_per_second</c>, <c>peak_bytes</c>, <c>live_bytes</c>, <c>gradient_norm</c>,
    /// <c>seconds</c>, <c>bits_per_byte</c> and <c>accuracy</c>.
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
        var points = new Table(CountLines(text.AsSpan(header.Length), width), places);
        var rest = text.AsSpan();
        for (int line = 1; rest.IndexOf('\n') is >= 0 and var length; line++, rest = rest[(length + 1)..])
        {
            if (line == 1 || rest[..length].IsWhiteSpace()) continue;
            if (!points.TryRead(count++, rest[..length], width)) throw new BadFileException(file, $"line {line}",
                "it has a value that is no number, or lacks most; delete the line to go on without it.");
        }

        return points;
    }

    /// <summary>
    /// The lines that are whole and not blank, up to one that lacks most of its values: a whole line ends in a line end, so what follows
    /// the last one was cut.
    /// </summary>
    private static int CountLines(ReadOnlySpan<char> rest, int width)
    {
        int count = 0;
        for (; rest.IndexOf('\n') is >= 0 and var length; rest = rest[(length + 1)..])
        {
            if (rest[..length].IsWhiteSpace()) continue;
            if (LacksMost(rest[..length], width)) return count;
            count++;
        }

        return count;
    }

    private static bool LacksMost(ReadOnlySpan<char> line, int width) => 2 * (line.Count(',') + 1) < width;

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

    /// <summary>What stands in a column of a line; nothing where the line ends before.</summary>
    private static ReadOnlySpan<char> Value(ReadOnlySpan<char> line, int column)
    {
        foreach (var range in line.Split(','))
            if (column-- == 0) return line[range];
        return [];
    }

    /// <summary>The values of the columns that a log has, so that lines of few values take little.</summary>
    private sealed class Table(int count, int[] places) : IReadOnlyList<RunPoint>
    {
        private readonly int[] known = [.. Enumerable.Range(0, places.Length).Where(name => places[name] >= 0)];
        private readonly double[] values = new double[checked(count * places.Count(place => place >= 0))];

        public int Count => count;

        public RunPoint this[int index] => new((long)Get(index, 0), Get(index, 1), Get(index, 2), Get(index, 3), Get(index, 4),
            Get(index, 5), Get(index, 6)) 
        {
            GradientNorm = Get(index, 7), Seconds = Get(index, 8), BitsPerByte = Get(index, 9), Accuracy = Get(index, 10),
        };

        /// <summary>Takes a line; false where it has no step, something else than numbers, or less than half of all values.</summary>
        public bool TryRead(int index, ReadOnlySpan<char> line, int width)
        {
            if (LacksMost(line, width)) return false;
            var row = values.AsSpan(index * known.Length, known.Length);
            for (int i = 0; i < row.Length; i++)
            {
                var text = Value(line, places[known[i]]);
                if (text.IsWhiteSpace()) row[i] = double.NaN;
                else if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out row[i])) return false;
            }

            return !double.IsNaN(row[0]);
        }

        public IEnumerator<RunPoint> GetEnumerator()
        {
            for (int i = 0; i < count; i++) yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        private double Get(int index, int name) =>
            Array.IndexOf(known, name) is >= 0 and var column ? values[index * known.Length + column] : double.NaN;
    }
}
