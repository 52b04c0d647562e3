namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Causal self-attention, softmax(q k^T / sqrt(D)) v per head (Vaswani et al. 2017, grouped heads: Ainslie et al. 2023), on the fused
    /// result of one linear layer: qkv (B, T, (heads + 2 kvHeads) D), laid out as all query heads, then all key heads, then all value heads
    /// -> (B, T, heads D).
    /// </summary>
    /// <remarks>
    /// Backward: with p = softmax(q k^T / sqrt(D)) from its log-sum-exp, one number a query (Dao et al. 2022), and ds = p (dy v^T - sum(dy
    /// y)): dq = ds k / sqrt(D), dk = ds^T q / sqrt(D), dv = p^T dy. Nothing of size T x T is kept.
    /// </remarks>
    /// <param name="qkv">(B, T, (heads + 2 kvHeads) D).</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="kvHeads">Key and value heads, a divisor of the query heads.</param>
    /// <param name="first">
    /// I32 (B, T): the first position that each one sees, at most its own; null for the first of its row. So a row holds several documents
    /// that do not see each other, or sees through a sliding window. Beyond 0 and its own position the nearer of these is meant.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The width does not divide, the heads are not a multiple of the key-value heads, or first is no I32 (B, T).
    /// </exception>
    public static Tensor CausalAttention(this Tensor qkv, int heads, int kvHeads, Tensor? first = null)
    {
        Tensor[] inputs = first is null ? [qkv] : [qkv, first];
        var call = Op.Begin("CausalAttention", inputs);
        call.CheckFloat(qkv);
        if (first is not null && (first.Type != DType.I32 || first.Shape != qkv.Shape.Take(2)))
            throw call.Error($"qkv {qkv.Shape}, first {first.Shape} of {first.Type}: first keys are I32 (B, T).");
        var fused = FusedHeads.Of(call, qkv, heads, kvHeads);
        Tensor dense = call.Dense(qkv);
        var keys = call.Dense(first);
        var y = call.New((qkv.Shape[0], qkv.Shape[1], heads * fused.HeadSize));
        using var lse = call.New((qkv.Shape[0], heads, qkv.Shape[1]));
        call.Backend.Run(AttentionOf(fused, call.Read(dense), call.Write(y), call.Write(lse), call.Read(keys)));
        if (!call.Records) return y;
        Saved? kept = keys is null ? null : call.Save(keys);
        return call.Push(y, new CausalAttentionNode(fused, call.Save(dense), call.Save(y), call.Save(lse), kept));
    }

    /// <summary>
    /// softmax(q k^T / sqrt(D)) v per head: queries (B, T, H, D) over keys and values (B, S, G, D), H a multiple of G -> (B, T, H, D). With
    /// <paramref name="causal"/> query t sees the keys up to t + S - T.
    /// </summary>
    /// <remarks>Backward: as for <see cref="CausalAttention"/>.</remarks>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Attention(this Tensor q, Tensor k, Tensor v, bool causal = true)
    {
        var call = Op.Begin("Attention", q, k, v);
        call.CheckFloat(q, k, v);
        if (q.Rank != 4 || k.Shape != v.Shape || k.Rank != 4 || q.Shape[0] != k.Shape[0] || q.Shape[3] != k.Shape[3] || k.Shape[2] < 1
            || q.Shape[2] % k.Shape[2] != 0 || (causal && k.Shape[1] < q.Shape[1]))
            throw call.Error($"q {q.Shape}, k {k.Shape}, v {v.Shape}: expected (B, T, H, D) and twice (B, S, G, D), H a multiple of G, "
                + "S at least T when causal.");
        Tensor dq = call.Dense(q), dk = call.Dense(k), dv = call.Dense(v);
        var y = call.New(q.Shape);
        using var lse = call.New((q.Shape[0], q.Shape[2], q.Shape[1]));
        call.Backend.Run(AttentionOf(call.Read(dq), call.Read(dk), call.Read(dv), call.Write(y), call.Write(lse), causal));
        if (!call.Records) return y;
        return call.Push(y, new AttentionNode(call.Save(dq), call.Save(dk), call.Save(dv), call.Save(y), call.Save(lse), causal));
    }

    private static Attend AttentionOf(in View q, in View k, in View v, in View y, in View lse, bool causal) =>
        new() { Q = q, K = k, V = v, Y = y, Lse = lse, Causal = causal, Scale = 1 / Math.Sqrt(q.Shape[3]) };

    private static Attend AttentionOf(FusedHeads fused, in View qkv, in View y, in View lse, in View first) =>
        AttentionOf(fused.Queries(qkv), fused.Keys(qkv), fused.Values(qkv), fused.Split(y), lse, causal: true) with { First = first };

    private sealed class CausalAttentionNode(FusedHeads fused, Saved qkv, Saved y, Saved lse, Saved? first) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            using var apart = target.Add ? sweep.Scratch(fused.Shape) : null;
            var d = Write(apart ?? target.Value);
            var forward = AttentionOf(fused, Read(qkv), Read(y), Read(lse), first is { } keys ? Read(keys) : default);
            sweep.Backend.Run(new AttendBack(forward, fused.Split(Read(sweep.Dy)), fused.Queries(d), fused.Keys(d), fused.Values(d)));
            if (apart is not null) target.Value.AddInPlace(apart);
        }
    }

    private sealed class AttentionNode(Saved q, Saved k, Saved v, Saved y, Saved lse, bool causal) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            Tensor qs = Get(q), ks = Get(k), vs = Get(v);
            using var dq = sweep.Scratch(qs.Shape);
            using var dk = sweep.Scratch(ks.Shape);
            using var dv = sweep.Scratch(vs.Shape);
            var forward = AttentionOf(Read(qs), Read(ks), Read(vs), Read(y), Read(lse), causal);
            sweep.Backend.Run(new AttendBack(forward, Read(sweep.Dy), Write(dq), Write(dk), Write(dv)));
            if (sweep.Needs(0)) sweep.GiveDy(0, dq);
            if (sweep.Needs(1)) sweep.GiveDy(1, dk);
            if (sweep.Needs(2)) sweep.GiveDy(2, dv);
        }
    }
}
