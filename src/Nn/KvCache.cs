namespace Mayfly;

/// <summary>
/// The keys and values of sequences under generation, for each row and block of a model. Made once by <see cref="LanguageModel.NewCache"/> and filled by
/// <see cref="LanguageModel.Extend"/>; rows grow independently of each other, so that none needs padding.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly Tensor[] keys, values; // per block (B, S, G, D)
    private readonly int[] lengths;
    private readonly int heads, kvHeads;

    internal KvCache(ModelConfig config, Device device, int rows, int capacity)
    {
        if (rows < 1) throw new ArgumentException($"KvCache: {rows} rows; make at least one.");
        if (capacity < 1 || capacity > config.Context)
            throw new ArgumentException($"KvCache: a capacity of {capacity} tokens; choose from 1 to the model's context of {config.Context}.");
        Capacity = capacity;
        lengths = new int[rows];
        (heads, kvHeads) = (config.Heads, config.KeyHeads);
        Shape shape = (rows, capacity, kvHeads, config.HeadSize);
        keys = New();
        values = New();

        Tensor[] New() =>
            [.. Enumerable.Range(0, config.Layers).Select(_ => Tensor.Unowned(device, shape, device.Float, Use.Activation, nameof(KvCache)))];
    }

    /// <summary>The number of sequences.</summary>
    public int Rows => lengths.Length;

    /// <summary>The most tokens a row can hold.</summary>
    public int Capacity { get; }

    /// <summary>The bytes of all keys and values.</summary>
    public long Bytes => 2 * keys.Sum(k => k.Bytes);

    /// <summary>The number of tokens a row holds.</summary>
    public int Length(int row) => lengths[row];

    /// <summary>Forgets all but the first <paramref name="length"/> tokens of a row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The row holds fewer.</exception>
    public void Truncate(int row, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, lengths[row]);
        lengths[row] = length;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var tensor in keys) tensor.Dispose();
        foreach (var tensor in values) tensor.Dispose();
    }

    internal void Advance(int row, int count) => lengths[row] += count;

    /// <summary>Stores new keys and values of a block and lets each new query see its row up to itself.</summary>
    /// <param name="block">The number of the block.</param>
    /// <param name="qkv">(1, N, (heads + 2 kvHeads) D), the new tokens of all runs one after the other.</param>
    /// <param name="runs">Where they belong.</param>
    /// <returns>(1, N, heads D).</returns>
    internal Tensor Attend(int block, Tensor qkv, ReadOnlySpan<CacheRun> runs)
    {
        const string name = "CachedAttention";
        var backend = qkv.Device.Backend;
        long size = keys[block].Shape[3];
        var y = Tensor.Empty(qkv.Device, (1, qkv.Shape[1], heads * size), qkv.Type, Use.Activation, name);
        View fused = qkv.Read(name), result = y.Write(name), allKeys = keys[block].Write(name), allValues = values[block].Write(name);
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
                Scale = 1f / MathF.Sqrt(size),
                Causal = true,
            });
        }

        return y;
    }
}

/// <summary>Neighbouring rows of a cache that hold equally many tokens and get equally many new ones: one call of attention serves them.</summary>
/// <param name="Row">The first row.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="Start">The number of tokens each holds.</param>
/// <param name="Count">T, the number of tokens each gets.</param>
/// <param name="First">The place of the first of these tokens among the new ones of all rows.</param>
internal readonly record struct CacheRun(int Row, int Rows, int Start, int Count, int First)
{
    /// <summary>Some heads of the run's tokens in (1, N, W): (rows, T, heads, D).</summary>
    public View Packed(in View x, int firstHead, int heads, long size)
    {
        long width = x.Shape[2];
        return x.With(new Layout((Rows, Count, heads, size), (Count * width, width, size, 1), x.Layout.Offset + First * width + firstHead * size));
    }

    /// <summary>A range of the run's rows in (B, S, G, D): (rows, count, G, D).</summary>
    public View Stored(in View x, int start, int count) => x.With(x.Layout.Slice(0, Row, Rows).Slice(1, start, count));

    /// <summary>True where <paramref name="next"/> continues this run.</summary>
    public bool Joins(CacheRun next) => next.Row == Row + Rows && next.Start == Start && next.Count == Count && next.First == First + Rows * Count;
}
