namespace Mayfly;

/// <summary>
/// Where queries, keys and values lie in the result of one linear layer: (B, T, (heads + 2 kvHeads) D), all query heads, then all key
/// heads, then all value heads.
/// </summary>
/// <param name="Shape">Of the fused tensor.</param>
/// <param name="Heads">The number of query heads.</param>
/// <param name="KvHeads">The number of key heads, and of value heads.</param>
internal readonly record struct FusedHeads(Shape Shape, int Heads, int KvHeads)
{
    /// <summary>D.</summary>
    public long HeadSize => Shape[2] / (Heads + 2 * KvHeads);

    /// <summary>The split of <paramref name="qkv"/>.</summary>
    /// <exception cref="ArgumentException">The width does not divide, or the heads are not a multiple of the key-value heads.</exception>
    public static FusedHeads Of(Op call, Tensor qkv, int heads, int kvHeads)
    {
        if (heads < 1 || kvHeads < 1 || heads % kvHeads != 0)
            throw call.Error($"{heads} heads and {kvHeads} key-value heads: the first must be a multiple of the second.");
        if (qkv.Rank != 3 || qkv.Shape[2] % (heads + 2 * kvHeads) != 0)
            throw call.Error($"qkv {qkv.Shape} must be (batch, time, ({heads} + 2 x {kvHeads}) x head size).");
        return new FusedHeads(qkv.Shape, heads, kvHeads);
    }

    /// <summary>The queries: (B, T, heads, D).</summary>
    public View Queries(in View qkv) => Part(qkv, 0, Heads);

    /// <summary>The keys: (B, T, kvHeads, D).</summary>
    public View Keys(in View qkv) => Part(qkv, Heads, KvHeads);

    /// <summary>The values: (B, T, kvHeads, D).</summary>
    public View Values(in View qkv) => Part(qkv, Heads + KvHeads, KvHeads);

    /// <summary>Queries and keys, which lie side by side: (B, T, heads + kvHeads, D).</summary>
    public View QueriesAndKeys(in View qkv) => Part(qkv, 0, Heads + KvHeads);

    /// <summary>(B, T, heads D) as (B, T, heads, D).</summary>
    public View Split(in View y) => y.With(y.Layout.TryReshape((Shape[0], Shape[1], Heads, HeadSize))!.Value);

    private View Part(in View x, int firstHead, int heads) => x.With(new Layout(
        (Shape[0], Shape[1], heads, HeadSize), (Shape[1] * Shape[2], Shape[2], HeadSize, 1), x.Layout.Offset + firstHead * HeadSize));
}
