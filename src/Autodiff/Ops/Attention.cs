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
    public static Tensor CausalAttention(this Tensor qkv, int heads, int kvHeads, Tensor? first = null) =>
        AttendFused("CausalAttention", qkv, heads, kvHeads, new AttentionMask { Causal = true, First = first });

    /// <summary>
    /// Self-attention, softmax(q k^T / sqrt(D)) v per head over the keys that a mask leaves, on the fused result of one linear layer, as
    /// CausalAttention takes it: qkv (B, T, (heads + 2 kvHeads) D) -> (B, T, heads D).
    /// </summary>
    /// <remarks>
    /// Backward: with p = softmax(q k^T / sqrt(D)) over the keys that are seen, and ds = p (dy v^T - sum(dy y)): dq = ds k / sqrt(D), dk =
    /// ds^T q / sqrt(D), dv = p^T dy; none reaches the mask. Nothing of size T x T is kept but a mask of that size.
    /// </remarks>
    /// <param name="qkv">(B, T, (heads + 2 kvHeads) D).</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="kvHeads">Key and value heads, a divisor of the query heads.</param>
    /// <param name="mask">Which keys are seen; here S = T.</param>
    /// <exception cref="ArgumentException">
    /// The width does not divide, the heads are not a multiple of the key-value heads, or the mask does not fit.
    /// </exception>
    /// <param name="logits">Notes the largest score of each head where a tape records the call; null for nobody.</param>
    public static Tensor SelfAttention(this Tensor qkv, int heads, int kvHeads, AttentionMask mask, HeadLogits? logits = null) =>
        AttendFused("SelfAttention", qkv, heads, kvHeads, mask, logits);

    /// <summary>
    /// softmax(q k^T / sqrt(D)) v per head: queries (B, T, H, D) over keys and values (B, S, G, D), H a multiple of G -> (B, T, H, D). With
    /// <paramref name="causal"/> query t sees the keys up to t + S - T.
    /// </summary>
    /// <remarks>Backward: as for <see cref="CausalAttention"/>.</remarks>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Attention(this Tensor q, Tensor k, Tensor v, bool causal = true) =>
        q.Attention(k, v, new AttentionMask { Causal = causal });

    /// <summary>
    /// softmax(q k^T / sqrt(D)) v per head over the keys that a mask leaves: queries (B, T, H, D), keys and values (B, S, G, D), H a
    /// multiple of G -> (B, T, H, D).
    /// </summary>
    /// <remarks>Backward: as for <see cref="SelfAttention"/>.</remarks>
    /// <param name="q">Queries (B, T, H, D).</param>
    /// <param name="k">Keys (B, S, G, D).</param>
    /// <param name="v">Values (B, S, G, D).</param>
    /// <param name="mask">Which keys are seen.</param>
    /// <exception cref="ArgumentException">The shapes or the mask do not fit.</exception>
    /// <param name="logits">Notes the largest score of each head where a tape records the call; null for nobody.</param>
    public static Tensor Attention(this Tensor q, Tensor k, Tensor v, AttentionMask mask, HeadLogits? logits = null)
    {
        var call = Op.Begin("Attention", [q, k, v, .. mask.Tensors]);
        call.CheckFloat(q, k, v);
        if (q.Rank != 4 || k.Shape != v.Shape || k.Rank != 4 || q.Shape[0] != k.Shape[0] || q.Shape[3] != k.Shape[3] || k.Shape[2] < 1
            || q.Shape[2] % k.Shape[2] != 0 || (mask.Causal && k.Shape[1] < q.Shape[1]))
            throw call.Error($"q {q.Shape}, k {k.Shape}, v {v.Shape}: expected (B, T, H, D) and twice (B, S, G, D), H a multiple of G, "
                + "S at least T when causal.");
        var seen = SeenKeys.Of(call, mask, (q.Shape[0], q.Shape[2], q.Shape[1], k.Shape[1]));
        Tensor dq = call.Dense(q), dk = call.Dense(k), dv = call.Dense(v);
        var y = call.New(q.Shape);
        using var lse = call.New((q.Shape[0], q.Shape[2], q.Shape[1]));
        var attend = seen.On(call, AttentionOf(call.Read(dq), call.Read(dk), call.Read(dv), call.Write(y), call.Write(lse)));
        Run(call, attend, logits);
        if (!call.Records) return y;
        return call.Push(y, new AttentionNode(seen.Save(call), call.Save(dq), call.Save(dk), call.Save(dv), call.Save(y), call.Save(lse)));
    }

    private static Tensor AttendFused(
        string name, Tensor qkv, int heads, int kvHeads, AttentionMask mask, HeadLogits? logits = null)
    {
        var call = Op.Begin(name, [qkv, .. mask.Tensors]);
        call.CheckFloat(qkv);
        var fused = FusedHeads.Of(call, qkv, heads, kvHeads);
        long time = qkv.Shape[1];
        var seen = SeenKeys.Of(call, mask, (qkv.Shape[0], heads, time, time));
        Tensor dense = call.Dense(qkv);
        var y = call.New((qkv.Shape[0], time, heads * fused.HeadSize));
        using var lse = call.New((qkv.Shape[0], heads, time));
        Run(call, seen.On(call, AttentionOf(fused, call.Read(dense), call.Write(y), call.Write(lse))), logits);
        if (!call.Records) return y;
        return call.Push(y, new FusedAttentionNode(fused, seen.Save(call), call.Save(dense), call.Save(y), call.Save(lse)));
    }

    private static void Run(Op call, in Attend attend, HeadLogits? logits)
    {
        if (logits is null || !call.Records)
        {
            call.Backend.Run(attend);
            return;
        }

        using var top = call.Scratch((attend.Q.Shape[0], attend.Q.Shape[2], attend.Q.Shape[1]));
        call.Backend.Run(attend with { Top = call.Write(top) });
        logits.Note(top);
    }

    private static Attend AttentionOf(in View q, in View k, in View v, in View y, in View lse) =>
        new() { Q = q, K = k, V = v, Y = y, Lse = lse, Causal = false, Scale = 1 / Math.Sqrt(q.Shape[3]) };

    private static Attend AttentionOf(FusedHeads fused, in View qkv, in View y, in View lse) =>
        AttentionOf(fused.Queries(qkv), fused.Keys(qkv), fused.Values(qkv), fused.Split(y), lse);

    /// <summary>A record of attention over the keys that a mask leaves.</summary>
    private abstract class MaskedNode(SavedKeys keys) : Node
    {
        private readonly AttentionMask mask = keys.Mask;
        private readonly Saved first = keys.First, lengths = keys.Lengths, bias = keys.Bias;

        /// <summary>The call with its mask.</summary>
        protected Attend Masked(in Attend call) =>
            SeenKeys.Masked(call, mask, MaybeRead(first), MaybeRead(lengths), MaybeRead(bias));

        private View MaybeRead(in Saved saved) => saved.IsPresent ? Read(saved) : default;
    }

    private sealed class FusedAttentionNode(FusedHeads fused, SavedKeys keys, Saved qkv, Saved y, Saved lse) : MaskedNode(keys)
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            using var apart = target.Add ? sweep.Scratch(fused.Shape) : null;
            var d = Write(apart ?? target.Value);
            var forward = Masked(AttentionOf(fused, Read(qkv), Read(y), Read(lse)));
            sweep.Backend.Run(new AttendBack(forward, fused.Split(Read(sweep.Dy)), fused.Queries(d), fused.Keys(d), fused.Values(d)));
            if (apart is not null) target.Value.AddInPlace(apart);
        }
    }

    private sealed class AttentionNode(SavedKeys keys, Saved q, Saved k, Saved v, Saved y, Saved lse) : MaskedNode(keys)
    {
        protected internal override void Backward(Sweep sweep)
        {
            Tensor qs = Get(q), ks = Get(k), vs = Get(v);
            using var dq = sweep.Scratch(qs.Shape);
            using var dk = sweep.Scratch(ks.Shape);
            using var dv = sweep.Scratch(vs.Shape);
            var forward = Masked(AttentionOf(Read(qs), Read(ks), Read(vs), Read(y), Read(lse)));
            sweep.Backend.Run(new AttendBack(forward, Read(sweep.Dy), Write(dq), Write(dk), Write(dv)));
            if (sweep.Needs(0)) sweep.GiveDy(0, dq);
            if (sweep.Needs(1)) sweep.GiveDy(1, dk);
            if (sweep.Needs(2)) sweep.GiveDy(2, dv);
        }
    }
}
