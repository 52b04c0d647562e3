namespace Mayfly;

/// <summary>
/// Softmax attention: y[b, t, h] = sum over s of softmax(scale q[b, t, h] . k[b, s, g])[s] v[b, s, g], g = h / (H / G) the query head's
/// group. With causal masking position t of the T queries sees the keys s &lt;= t + S - T, and with <see cref="First"/> those from
/// First[b, t] on alone: documents packed into one row, a sliding window, padding at the left. All views are (batch, time, heads, head
/// size) with any strides and a dense last axis, so that q, k and v may lie in one fused buffer.
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

    /// <summary>Log-sum-exp of the scaled scores (B, H, T), contiguous; may be absent where no gradient is wanted.</summary>
    public View Lse { get; init; }

    /// <summary>
    /// The first key that each query sees, I32 (B, T), contiguous; absent where that is key 0. What lies outside the keys that a query sees
    /// without it stands for the nearest of these, so that each query sees one at least.
    /// </summary>
    public View First { get; init; }

    /// <summary>Factor of the scores, usually 1 / sqrt(D).</summary>
    public required double Scale { get; init; }

    /// <summary>Masks the future.</summary>
    public required bool Causal { get; init; }

    /// <summary>Two products: scores and values.</summary>
    public KernelCost Cost => new KernelCost("Attend", Flops: 2 * Product).Reads(Q, K, V, First).Writes(Y).Writes(Lse);

    /// <summary>The operations of one product over all pairs of a query and a key that it sees without <see cref="First"/>.</summary>
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
                    var p = Probabilities(device, b, h, t, out R logSum);
                    for (long d = 0; d < size; d++)
                    {
                        R sum = R.Of(0f);
                        for (long s = FirstKey(device, b, t, p.Length); s < p.Length; s++) sum += p[s] * device.Get(V, b, s, Group(h), d);
                        device.Set(Y, b, t, h, d, sum);
                    }

                    if (!Lse.IsAbsent) device.Set(Lse, (b * heads + h) * queries + t, logSum);
                }
    }

    /// <summary>The softmax of the scores of query t over the keys it sees, zero before them.</summary>
    internal R[] Probabilities<R>(ReferenceBackend<R> device, long b, long h, long t, out R logSum) where R : struct, IMemoryLane<R>
    {
        long keys = K.Shape[1], size = Q.Shape[3];
        var p = new R[Causal ? t + 1 + keys - Q.Shape[1] : keys];
        long first = FirstKey(device, b, t, p.Length);
        R largest = R.Of(float.NegativeInfinity), sum = R.Of(0f);
        for (long s = first; s < p.Length; s++)
        {
            R dot = R.Of(0f);
            for (long d = 0; d < size; d++) dot += device.Get(Q, b, t, h, d) * device.Get(K, b, s, Group(h), d);
            p[s] = R.Of(Scale) * dot;
            largest = R.Max(largest, p[s]);
        }

        for (long s = first; s < p.Length; s++) sum += R.Exp(p[s] - largest);
        logSum = largest + R.Log(sum);
        for (long s = first; s < p.Length; s++) p[s] = R.Exp(p[s] - largest) / sum;
        return p;
    }

    /// <summary>The first key that query t sees, of those before <paramref name="seen"/>.</summary>
    internal long FirstKey<R>(ReferenceBackend<R> device, long b, long t, long seen) where R : struct, IMemoryLane<R> =>
        First.IsAbsent ? 0 : Math.Clamp(device.Id(First, b * Q.Shape[1] + t), 0, seen - 1);

    /// <summary>The head of keys and values of a query head.</summary>
    internal long Group(long head) => head / (Q.Shape[2] / K.Shape[2]);
}
