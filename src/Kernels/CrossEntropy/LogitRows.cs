namespace Mayfly;

/// <summary>The rows of logits that the CPU forms of cross-entropy and of its gradient go through, cut into chunks alike.</summary>
internal readonly unsafe struct LogitRows(in View logits, in View targets, int ignored, in View stats)
{
    /// <summary>Logits that are worth handing to a thread: some microseconds of exponentials.</summary>
    private const long LogitsPerChunk = 8192;

    private readonly float* logits = logits.Floats(), stats = stats.Floats();
    private readonly int* targets = targets.Ints();
    private readonly long rows = logits.Shape[0], share = Math.Max(1, LogitsPerChunk / Math.Max(1, logits.Shape[1]));

    /// <summary>Logits of a row.</summary>
    public readonly long Classes = logits.Shape[1];

    /// <summary>Pieces of work; which thread does one does not matter.</summary>
    public long Chunks => (rows + share - 1) / share;

    /// <summary>The first row of a chunk; its last is the one before the next chunk's first.</summary>
    public long First(int chunk) => Math.Min(rows, chunk * share);

    /// <summary>The row's logits.</summary>
    public float* Logits(long row) => logits + row * Classes;

    /// <summary>The row's two numbers: the largest logit, and the logarithm of the sum of the exponentials relative to it.</summary>
    public float* Stats(long row) => stats + 2 * row;

    /// <summary>The row's class, or -1 where the row does not count.</summary>
    public int Target(long row) => targets[row] == ignored ? -1 : targets[row];
}
