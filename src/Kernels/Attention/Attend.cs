namespace Mayfly;

/// <summary>
/// Softmax attention: y[b, t, h] = sum over s of softmax(scale q[b, t, h] . k[b, s, g])[s] v[b, s, g], g = h / (H / G) the query head's
/// group. Query t stands at position t + S - T of the keys; causal masking hides the keys behind it, and with <see cref="First"/>,
/// <see cref="Lengths"/>, <see cref="Window"/> and <see cref="Bias"/> it sees some of the others alone. All views are (batch, time, heads,
/// head size) with any strides and a dense last axis, so that q, k and v may lie in one fused buffer.
/// </summary>
public readonly partial record struct Attend : IKernel
{
    /// <summary>Queries (B, T, H, D).</summary>
    public required View Q { get; init; }

    /// <summary>Keys (B, S, G, D); H is a multiple of G.</summary>
    public required View K { get; init; }

    /// <summary>Values (B, S, G, D).</summary>
    public required View V { get; init; }

    /// <summary>Output (B, T, H, D).</summary>
    public required View Y { get; init; }

    /// <summary>
    /// Log-sum-exp of the scaled scores (B, H, T), contiguous; may be absent where no gradient is wanted. 1e30 where a query sees no key.
    /// </summary>
    public View Lse { get; init; }

    /// <summary>
    /// The largest score of each query over the keys it sees, scaled and with its bias (B, H, T), contiguous; absent where nobody asks for
    /// it. -1e30 where a query sees no key.
    /// </summary>
    public View Top { get; init; }

    /// <summary>
    /// The first key that each query sees, I32 (B, T), contiguous; absent where that is key 0: documents packed into one row, padding at
    /// the left. What lies outside the keys that a query sees without it stands for the nearest of these, so that one is left at least.
    /// </summary>
    public View First { get; init; }

    /// <summary>
    /// The number of keys of each sequence, those behind it being padding, I32 (B), contiguous; absent where that is S. One is left at
    /// least.
    /// </summary>
    public View Lengths { get; init; }

    /// <summary>
    /// A query sees the keys less than so many positions away from its own, or the nearest; 0 for any distance. Beltagy et al. 2020.
    /// </summary>
    public int Window { get; init; }

    /// <summary>
    /// Added to the scaled scores, F32 (B, T, H, S), of any strides but for a dense last axis; absent for none. -1e30 and less hides a key;
    /// a query that sees no key has a result of zeros, and gives no gradient.
    /// </summary>
    public View Bias { get; init; }

    /// <summary>Factor of the scores, usually 1 / sqrt(D).</summary>
    public required double Scale { get; init; }

    /// <summary>Masks the future.</summary>
    public required bool Causal { get; init; }

    /// <summary>A score with its bias up to here is hidden; with the other sign, the log-sum-exp of a query that sees no key.</summary>
    internal const float Hidden = -1e30f;

    /// <summary>True where <see cref="Causal"/> alone hides keys.</summary>
    internal bool SeesAll => First.IsAbsent && Lengths.IsAbsent && Bias.IsAbsent && Window == 0;

    /// <summary>Two products: scores and values.</summary>
    public KernelCost Cost => new KernelCost("Attend", Flops: 2 * Product)
        .Reads(Q, K, V, First, Lengths, Bias).Writes(Y).Writes(Lse).Writes(Top);

    /// <summary>
    /// The operations of one product over all pairs of a query and a key, without those that <see cref="Causal"/> hides.
    /// </summary>
    internal double Product
    {
        get
        {
            double queries = Q.Shape[1], keys = K.Shape[1];
            double pairs = Causal ? queries * (keys - queries) + queries * (queries + 1) / 2 : queries * keys;
            return 2 * Q.Shape[0] * Q.Shape[2] * Q.Shape[3] * pairs;
        }
    }

    /// <inheritdoc/>
    public void On<R>(ReferenceBackend<R> device) where R : struct, IMemoryLane<R>
    {
        long batch = Q.Shape[0], queries = Q.Shape[1], heads = Q.Shape[2], size = Q.Shape[3];
        for (long b = 0; b < batch; b++)
            for (long h = 0; h < heads; h++)
                for (long t = 0; t < queries; t++)
                {
                    var p = Probabilities(device, b, h, t, out R logSum, out R largest);
                    for (long d = 0; d < size; d++)
                    {
                        R sum = R.Of(0f);
                        foreach (var (s, weight) in p) sum += weight * device.Get(V, b, s, Group(h), d);
                        device.Set(Y, b, t, h, d, sum);
                    }

                    if (!Lse.IsAbsent) device.Set(Lse, (b * heads + h) * queries + t, logSum);
                    if (!Top.IsAbsent) device.Set(Top, (b * heads + h) * queries + t, largest);
                }
    }

    /// <summary>The keys that query t sees, and the softmax of their scores.</summary>
    internal (long Key, R Weight)[] Probabilities<R>(
        ReferenceBackend<R> device, long b, long h, long t, out R logSum, out R largest)
        where R : struct, IMemoryLane<R>
    {
        (long Key, R Score)[] seen = [.. Seen(device, b, h, t)];
        R most = seen.Length == 0 ? R.Of(Hidden) : R.Of(float.NegativeInfinity), sum = R.Of(0f);
        foreach (var (_, score) in seen) most = R.Max(most, score);
        foreach (var (_, score) in seen) sum += R.Exp(score - most);
        largest = most;
        logSum = seen.Length == 0 ? R.Of(-Hidden) : most + R.Log(sum);
        return Array.ConvertAll(seen, pair => (pair.Key, R.Exp(pair.Score - most) / sum));
    }

    /// <summary>The keys that query t sees, and their scores.</summary>
    private List<(long Key, R Score)> Seen<R>(ReferenceBackend<R> device, long b, long h, long t) where R : struct, IMemoryLane<R>
    {
        var seen = new List<(long, R)>();
        long keys = Lengths.IsAbsent ? K.Shape[1] : Math.Clamp(device.Id(Lengths, b), 1, K.Shape[1]), place = t + K.Shape[1] - Q.Shape[1];
        long end = Math.Clamp(Causal ? place + 1 : Window > 0 ? place + Window : keys, 1, keys);
        long first = Math.Max(First.IsAbsent ? 0 : device.Id(First, b * Q.Shape[1] + t), Window > 0 ? place - Window + 1 : 0);
        for (long s = Math.Clamp(first, 0, end - 1); s < end; s++)
        {
            R dot = R.Of(0f);
            for (long d = 0; d < Q.Shape[3]; d++) dot += device.Get(Q, b, t, h, d) * device.Get(K, b, s, Group(h), d);
            R score = R.Of(Scale) * dot;
            if (!Bias.IsAbsent) score += device.Get(Bias, b, t, h, s);
            if (Bias.IsAbsent || R.Largest(score) > Hidden) seen.Add((s, score));
        }

        return seen;
    }

    /// <summary>The head of keys and values of a query head.</summary>
    internal long Group(long head) => head / (Q.Shape[2] / K.Shape[2]);
}
