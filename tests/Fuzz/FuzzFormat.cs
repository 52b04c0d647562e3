namespace Mayfly.Tests;

/// <summary>A format of files, how it is damaged and how it is read.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="FileName">What a file is called: some are known by that.</param>
/// <param name="Samples">Whole files.</param>
/// <param name="Damage">A mutant of one.</param>
/// <param name="Read">Reads a file and all that is in it; returns the bytes beyond managed memory that this took.</param>
internal sealed record FuzzFormat(string Name, string FileName, byte[][] Samples, Func<Mutator, byte[], byte[]> Damage, Func<string,
    long> Read)
{
    /// <summary>Whether all samples are right, and not some of them those of another format.</summary>
    public bool IsAccepted { get; init; } = true;

    /// <summary>Bytes that using what was read takes, however long the file is: the cache of a tokenizer.</summary>
    public long Fixed { get; init; }

    /// <summary>Mutant <paramref name="number"/> of a seed.</summary>
    public byte[] Mutant(int seed, int number)
    {
        var mutator = new Mutator(unchecked(seed * 1_000_003 + number));
        return Damage(mutator, Samples[mutator.Next(Samples.Length)]);
    }
}

/// <summary>What became of the mutants of a format.</summary>
internal sealed class FuzzResult(string name)
{
    private const int Factor = 16, Slack = 1 << 20;

    public int Accepted { get; private set; }

    public int Refused { get; private set; }

    /// <summary>What must not be, the first few.</summary>
    public List<string> Faults { get; } = [];

    public double Slowest { get; private set; }

    /// <summary>The largest part of what a file of its length may allocate.</summary>
    public double Fullest { get; private set; }

    /// <summary>A line of the table.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{name,-16}{Accepted + Refused,8} mutants {Accepted,8} accepted {Refused,8} refused {Faults.Count,4} faults, "
        + $"slowest {Slowest,6:F0} ms, "
        + $"at most {100 * Fullest,3:F0} % of the memory allowed");

    /// <summary>Reads one file.</summary>
    public void Add(string label, FuzzFormat format, string path)
    {
        long clock = System.Diagnostics.Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread(), native = 0;
        try
        {
            native = format.Read(path);
            Accepted++;
        }
        catch (InputException)
        {
            Refused++;
        }
        catch (Exception e)
        {
            Faults.Add($"{label}: {e.GetType().Name}: {e.Message} {e.StackTrace?.Split('\n')[0]}");
        }

        long used = GC.GetAllocatedBytesForCurrentThread() - before + native, allowed = Factor * new FileInfo(path).Length + Slack
            + format.Fixed;
        Slowest = Math.Max(Slowest, System.Diagnostics.Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
        Fullest = Math.Max(Fullest, used / (double)allowed);
        if (used > allowed) Faults.Add($"{label}: {used:N0} bytes for a file of {new FileInfo(path).Length:N0}");
    }
}
