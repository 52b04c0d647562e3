namespace Mayfly;

/// <summary>
/// The keys and values of sequences under generation, for each row and block of a model. Made once by <see cref="LanguageModel.NewCache"/>
/// and filled by <see cref="LanguageModel.Extend"/>; rows grow independently of each other, so that none needs padding.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly Dictionary<IAttention, (Tensor Keys, Tensor Values)> kept = []; // each (B, S, G, D)
    private readonly List<int>[] tokens;

    /// <exception cref="ArgumentException">No rows, or a capacity beyond the context.</exception>
    internal KvCache(IEnumerable<IAttention> attentions, Device device, int rows, int capacity, int context)
    {
        if (rows < 1) throw new ArgumentException($"KvCache: {rows} rows; make at least one.");
        if (capacity < 1 || capacity > context)
            throw new ArgumentException($"KvCache: a capacity of {capacity} tokens; choose from 1 to the model's context of {context}.");
        Capacity = capacity;
        tokens = [.. Enumerable.Range(0, rows).Select(_ => new List<int>())];
        foreach (var attention in attentions.Distinct()) kept[attention] = (New(attention), New(attention));

        Tensor New(IAttention a) =>
            Tensor.Unowned(device, (rows, capacity, a.KvHeads, a.HeadSize), device.Float, Use.Activation, nameof(KvCache));
    }

    /// <summary>The number of sequences.</summary>
    public int Rows => tokens.Length;

    /// <summary>The most tokens a row can hold.</summary>
    public int Capacity { get; }

    /// <summary>The bytes of all keys and values.</summary>
    public long Bytes => kept.Values.Sum(k => k.Keys.Bytes + k.Values.Bytes);

    /// <summary>The number of tokens a row holds.</summary>
    public int Length(int row) => tokens[row].Count;

    /// <summary>Forgets all but the first <paramref name="length"/> tokens of a row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The row holds fewer.</exception>
    public void Truncate(int row, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length(row));
        tokens[row].RemoveRange(length, Length(row) - length);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var (keys, values) in kept.Values)
        {
            keys.Dispose();
            values.Dispose();
        }
    }

    /// <summary>The tokens a row holds.</summary>
    internal IReadOnlyList<int> Tokens(int row) => tokens[row];

    /// <summary>Counts new tokens as held.</summary>
    internal void Add(IReadOnlyList<RowTokens> rows)
    {
        foreach (var (row, ids) in rows) tokens[row].AddRange(ids.Span);
    }

    /// <exception cref="ArgumentException">A row is unknown, comes twice, gets no token or more than it has room for.</exception>
    internal void Check(IReadOnlyList<RowTokens> rows)
    {
        if (rows.Count == 0) throw new ArgumentException("Extend: no rows; give at least one.");
        var seen = new HashSet<int>();
        foreach (var (row, ids) in rows)
        {
            if (row < 0 || row >= Rows) throw new ArgumentException($"Extend: row {row} of a cache of {Rows} rows.");
            if (!seen.Add(row)) throw new ArgumentException($"Extend: row {row} comes twice; give all its tokens at once.");
            if (ids.Length == 0) throw new ArgumentException($"Extend: row {row} gets no token; leave it out.");
            if (Length(row) + ids.Length > Capacity)
                throw new ArgumentException(
                    $"Extend: row {row} holds {Length(row)} of {Capacity} tokens and gets {ids.Length} more; "
                    + "truncate it or make a larger cache.");
        }
    }

    /// <summary>Stores new keys and values of an attention and lets each new query see its row up to itself.</summary>
    /// <param name="attention">A part of the model that the cache is of.</param>
    /// <param name="qkv">(1, N, (heads + 2 kvHeads) D), the new tokens of all runs one after the other.</param>
    /// <param name="runs">Where they belong.</param>
    /// <returns>(1, N, heads D).</returns>
    /// <exception cref="ArgumentException">The cache is of another model.</exception>
    internal Tensor Attend(IAttention attention, Tensor qkv, ReadOnlySpan<CacheRun> runs)
    {
        const string name = "CachedAttention";
        if (!kept.TryGetValue(attention, out var own))
            throw new ArgumentException(
                $"Extend: the cache has no room for {attention.Path}: it is of another model, or older than a Replace; make a new one.");
        int kvHeads = attention.KvHeads;
        long size = attention.HeadSize, heads = qkv.Shape[2] / size - 2 * kvHeads;
        var backend = qkv.Device.Backend;
        var y = Tensor.Empty(qkv.Device, (1, qkv.Shape[1], heads * size), qkv.Type, Use.Activation, name);
        View fused = qkv.Read(name), result = y.Write(name), allKeys = own.Keys.Write(name), allValues = own.Values.Write(name);
        foreach (var run in runs)
        {
            backend.Copy(run.Packed(fused, heads, kvHeads, size), run.Stored(allKeys, run.Start, run.Count));
            backend.Copy(run.Packed(fused, heads + kvHeads, kvHeads, size), run.Stored(allValues, run.Start, run.Count));
            backend.Run(new Attend
            {
                Q = run.Packed(fused, 0, heads, size),
                K = run.Stored(allKeys, 0, run.Start + run.Count),
                V = run.Stored(allValues, 0, run.Start + run.Count),
                Y = run.Packed(result, 0, heads, size),
                Scale = 1 / Math.Sqrt(size),
                Causal = true,
                Window = attention.Window,
            });
        }

        return y;
    }
}

/// <summary>
/// Neighbouring rows of a cache that hold equally many tokens and get equally many new ones: one call of attention serves them.
/// </summary>
/// <param name="Row">The first row.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Start">The number of tokens each holds.</param>
/// <param name="Count">T, the number of tokens each gets.</param>
/// <param name="First">The place of the first of these tokens among the new ones of all rows.</param>
internal readonly record struct CacheRun(int Row, int Rows, int Start, int Count, int First)
{
    /// <summary>Some heads of the run's tokens in (1, N, W): (rows, T, heads, D).</summary>
    public View Packed(in View x, long firstHead, long heads, long size)
    {
        long width = x.Shape[2];
        return x.With(new Layout((Rows, Count, heads, size), (Count * width, width, size, 1),
            x.Layout.Offset + First * width + firstHead * size));
    }

    /// <summary>A range of the run's rows in (B, S, G, D): (rows, count, G, D).</summary>
    public View Stored(in View x, int start, int count) => x.With(x.Layout.Slice(0, Row, Rows).Slice(1, start, count));

    /// <summary>True where <paramref name="next"/> continues this run.</summary>
    public bool Joins(CacheRun next) =>
        next.Row == Row + Rows && next.Start == Start && next.Count == Count && next.First == First + Rows * Count;
}
