using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace TrainGpt;

/// <summary>The log of a run: one line a step, written at once, so that it can be watched and nothing is lost.</summary>
internal sealed class RunLog : IDisposable
{
    public const string FileName = "log.csv";
    private static readonly string[] Columns = ["step", "loss", "validation_loss", "learning_rate", "tokens_per_second", "peak_bytes",
        "live_bytes", "gradient_norm", "perplexity", "bits_per_byte", "accuracy", "seconds"];
    private const byte Comma = (byte)',', LineEnd = (byte)'\n';
    private static readonly byte[][] ColumnBytes = Array.ConvertAll(Columns, Encoding.UTF8.GetBytes);
    private static readonly byte[] Header = Bytes([string.Join(',', Columns)]);
    private readonly RecordFile file;
    private readonly double secondsBefore;
    private long began = Stopwatch.GetTimestamp();

    /// <summary>
    /// Goes on after <paramref name="step"/>: later lines, of steps that were lost with their snapshot, are dropped. Lines of a log with
    /// fewer columns, as earlier versions wrote it, have empty values in the others. Nothing is written yet; the old file stays until the
    /// new one is whole.
    /// </summary>
    /// <exception cref="InputException">The file that is there cannot be read.</exception>
    /// <exception cref="BadFileException">It is no log.</exception>
    public RunLog(string path, long step)
    {
        byte[] kept = File.Exists(path) ? Kept(path, step) : Header;
        _ = double.TryParse(LastValue(kept), CultureInfo.InvariantCulture, out secondsBefore);
        file = new RecordFile(path, kept);
    }

    /// <summary>Replaces the old file, and lets the time of the run go on.</summary>
    /// <exception cref="InputException">It cannot be written; the next call tries again.</exception>
    public void Begin()
    {
        began = Stopwatch.GetTimestamp();
        file.Append([]);
    }

    /// <summary>The seconds of the run, those up to the last line kept included.</summary>
    private double Seconds => secondsBefore + Stopwatch.GetElapsedTime(began).TotalSeconds;

    /// <summary>Adds a step.</summary>
    /// <exception cref="InputException">It cannot be written; it is kept, and written by the next call that can.</exception>
    public void Write(StepStatus status)
    {
        var report = status.Report;
        file.Append(Bytes([string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Step},{Known(report.Loss):F6},{status.ValidationLoss:F6},{report.LearningRate:G6},"
            + $"{status.TokensPerSecond:F0},{report.PeakBytes},{status.LiveBytes},{Known(report.GradientNorm):G6},"
            + $"{(status.ValidationLoss is { } validation ? Math.Exp(validation) : null):G6},{status.BitsPerByte:F6},"
            + $"{status.Accuracy:F6},{Seconds:F1}")]));
    }

    /// <summary>Returns when all lines are on the disk.</summary>
    /// <exception cref="InputException">They could not be written.</exception>
    public void Flush() => file.Flush();

    /// <summary>Goes on in another folder, with all lines so far.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void MoveTo(string folder) => file.MoveTo(Path.Combine(folder, FileName));

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static byte[] Bytes(IEnumerable<string> lines) => Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));

    /// <summary>Nothing for a number that was not read.</summary>
    private static double? Known(double number) => double.IsNaN(number) ? null : number;

    /// <summary>The log so far, in today's columns. What follows the last line end was cut.</summary>
    private static byte[] Kept(string path, long step)
    {
        ReadOnlySpan<byte> log = Files.ReadBytes(path);
        if (log.IsEmpty) return Header;
        int[] places = Places(log[..(log.IndexOf(LineEnd) is >= 0 and var end ? end : log.Length)].TrimEnd((byte)'\r'), path);
        byte[] kept = new byte[Header.Length + Copy(log, step, places, Stream.Null)];
        using var stream = new MemoryStream(kept);
        stream.Write(Header);
        Copy(log, step, places, stream);
        return kept;
    }

    /// <summary>Writes the lines up to a step in today's columns.</summary>
    /// <returns>Their bytes.</returns>
    private static int Copy(ReadOnlySpan<byte> rest, long step, int[] places, Stream to)
    {
        int bytes = 0;
        for (; rest.IndexOf(LineEnd) is >= 0 and var length; rest = rest[(length + 1)..])
            if (IsUpTo(rest[..length], step)) bytes += Write(to, rest[..length].TrimEnd((byte)'\r'), places);
        return bytes;
    }

    /// <summary>What stands behind the last comma.</summary>
    private static ReadOnlySpan<byte> LastValue(ReadOnlySpan<byte> lines) => lines[(lines.LastIndexOf(Comma) + 1)..].TrimEnd(LineEnd);

    /// <summary>Where today's columns stand in a log of any version; -1 for those that it lacks.</summary>
    private static int[] Places(ReadOnlySpan<byte> header, string path)
    {
        int[] places = new int[Columns.Length];
        Array.Fill(places, -1);
        int place = 0;
        foreach (var range in header.Split(Comma))
        {
            for (int i = 0; i < places.Length; i++)
                if (places[i] < 0 && header[range].SequenceEqual(ColumnBytes[i])) places[i] = place;
            place++;
        }

        return places[0] == 0 ? places : throw new BadFileException(path, "line 1",
            $"it does not begin with '{Columns[0]}', so it is no log; rename the file to go on with a new one.");
    }

    private static int Write(Stream kept, ReadOnlySpan<byte> line, int[] places)
    {
        int bytes = places.Length; // a comma or a line end after each
        for (int i = 0; i < places.Length; i++)
        {
            if (i > 0) kept.WriteByte(Comma);
            var value = Value(line, places[i]);
            kept.Write(value);
            bytes += value.Length;
        }

        kept.WriteByte(LineEnd);
        return bytes;
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> line, int place)
    {
        foreach (var range in line.Split(Comma))
            if (place-- == 0) return line[range];
        return [];
    }

    private static bool IsUpTo(ReadOnlySpan<byte> line, long step) =>
        long.TryParse(Value(line.TrimEnd((byte)'\r'), 0), NumberStyles.None, CultureInfo.InvariantCulture, out long at) && at <= step;
}
