namespace Mayfly;

/// <summary>
/// Random windows of a token sequence, uniform over all places. Batch i is a function of the seed and i alone, so training resumes anywhere
/// and several readers agree. The targets are the ids one place later. Where documents do not see each other, or some ids are not to be
/// learned, a window begins with the first document behind the place that was drawn, if one begins within a context: a completion without
/// its prompt teaches nothing.
/// </summary>
public sealed class Batches
{
    /// <summary>Keeps the draws apart from those of initialisation and dropout, whose streams hold a step in the upper half.</summary>
    private const ulong Stream = 0xBA7C_4E5D_0000_0000;
    private readonly ITokens tokens;
    private readonly ulong seed;
    private readonly int whole, first;

    /// <summary>Cuts windows of <paramref name="context"/> ids and one more for the last target.</summary>
    /// <param name="tokens">The sequence, longer than the context.</param>
    /// <param name="batch">Windows per batch (B).</param>
    /// <param name="context">Ids per window (T).</param>
    /// <param name="seed">The run's seed.</param>
    /// <exception cref="InputException">The sequence is too short.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A batch or context below 1.</exception>
    public Batches(ITokens tokens, int batch, int context, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        this.tokens = Windows.LongEnough(tokens, context);
        this.seed = seed;
        Batch = whole = batch;
        Context = context;
    }

    private Batches(Batches all, int first, int count)
    {
        (tokens, seed, whole, Context, Separator) = (all.tokens, all.seed, all.whole, all.Context, all.Separator);
        (this.first, Batch) = (all.first + first, count);
    }

    /// <summary>Draws windows from ids in memory, which are not copied.</summary>
    /// <param name="tokens">The sequence, longer than the context.</param>
    /// <param name="batch">Windows per batch (B).</param>
    /// <param name="context">Ids per window (T).</param>
    /// <param name="seed">The run's seed.</param>
    /// <exception cref="InputException">The sequence is too short.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A batch or context below 1.</exception>
    public Batches(ReadOnlyMemory<int> tokens, int batch, int context, ulong seed)
        : this(new MemoryTokens(tokens), batch, context, seed)
    {
    }

    /// <summary>Windows per batch (B).</summary>
    public int Batch { get; }

    /// <summary>Ids per window (T).</summary>
    public int Context { get; }

    /// <summary>Writes batch <paramref name="index"/>: ids and targets, each B * T in row-major order.</summary>
    /// <exception cref="ArgumentException">A span has another length.</exception>
    public void Fill(long index, Span<int> ids, Span<int> targets)
    {
        Windows.CheckRoom(ids, targets, Batch, Context);
        for (int row = 0; row < Batch; row++)
        {
            var window = ids.Slice(row * Context, Context);
            long start = Start(index, row);
            if (tokens.Separator is { } end && (Separator is not null || tokens.HasIgnored)) start = FirstDocument(start, end, window);
            Windows.Cut(tokens, start, row, Context, ids, targets);
        }

        if (Separator is { } separator) Documents.Detach(ids, targets, separator);
    }

    /// <summary>
    /// The same batches, of which these have a part of the windows: the parts, as equal as they can be, make up the whole.
    /// </summary>
    /// <param name="part">Its number, from 0.</param>
    /// <param name="parts">How many there are, no more than windows.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such part.</exception>
    public Batches Part(int part, int parts)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts, Batch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)part, (uint)parts, nameof(part));
        int from = (int)((long)Batch * part / parts), to = (int)((long)Batch * (part + 1) / parts);
        return new Batches(this, from, to - from);
    }

    /// <summary>The id that ends each document, where these do not see each other; null where a window is one text.</summary>
    public int? Separator { get; init; }

    /// <summary>Batch <paramref name="index"/>.</summary>
    public TokenBatch Read(long index, Device? device = null)
    {
        int[] ids = new int[Batch * Context], targets = new int[Batch * Context];
        Fill(index, ids, targets);
        return TokenBatch.Of(ids, targets, Context, Separator, device);
    }

    /// <summary>The targets of a batch that count.</summary>
    public int Counted(long index)
    {
        if (Separator is null && !tokens.HasIgnored) return Batch * Context;
        int[] ids = new int[Batch * Context], targets = new int[Batch * Context];
        Fill(index, ids, targets);
        return Documents.Counted(targets);
    }

    /// <summary>Batch <paramref name="index"/> as tensors of I32, each (B, T).</summary>
    public (Tensor Ids, Tensor Targets) Get(long index, Device? device = null)
    {
        int[] ids = new int[Batch * Context], targets = new int[Batch * Context];
        Fill(index, ids, targets);
        return (Tensor.From<int>(ids, (Batch, Context), device), Tensor.From<int>(targets, (Batch, Context), device));
    }

    /// <summary>The place behind the first end of a document from a place on, where a window fits there; else that place.</summary>
    private long FirstDocument(long start, int end, Span<int> window)
    {
        if (start == 0) return 0;
        tokens.Copy(start - 1, window);
        long first = start + window.IndexOf(end);
        return first >= start && first < tokens.Count - Context ? first : start;
    }

    /// <summary>A 64-bit draw scaled to the number of places: no remainder, so no place is favoured by more than (places) / 2^64.</summary>
    private long Start(long index, int row)
    {
        var (a, b, _, _) = Philox.Block(new RandomKey(seed, Stream), unchecked((ulong)index * (ulong)whole + (ulong)(first + row)));
        return (long)Math.BigMul((ulong)b << 32 | a, (ulong)(tokens.Count - Context), out _);
    }
}
