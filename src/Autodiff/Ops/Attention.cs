namespace Mayfly;

/// <summary>
/// Softmax attention (Vaswani et al. 2017) with grouped key-value heads (Ainslie et al. 2023): y = softmax(q k^T / sqrt(D)) v per head. Backward
/// recomputes the probabilities from one number a query (Dao et al. 2022), so nothing of size T x T is kept.
/// </summary>
public static class AttentionOp
{
    /// <summary>
    /// Causal self-attention on the fused result of one linear layer: qkv (B, T, (heads + 2 kvHeads) D), laid out as all query heads, then all key
    /// heads, then all value heads -> (B, T, heads D).
    /// </summary>
    /// <exception cref="ArgumentException">The width does not divide, or the heads are not a multiple of the key-value heads.</exception>
    public static Tensor CausalAttention(this Tensor qkv, int heads, int kvHeads)
    {
        const string name = "CausalAttention";
        var op = Op.Begin(name, qkv);
        op.CheckFloat(qkv);
        var fused = FusedHeads.Of(op, qkv, heads, kvHeads);
        var dense = qkv.Dense(name);
        var y = op.New((qkv.Shape[0], qkv.Shape[1], heads * fused.HeadSize));
        using var lse = Tensor.Unowned(op.Device, (qkv.Shape[0], heads, qkv.Shape[1]), op.Device.Float, Use.Activation, name);
        op.Backend.Run(Call(fused, dense.Read(name), y.Write(name), lse.Write(name)));
        return op.Records ? op.Push(y, new FusedNode(fused, op.Save(dense), op.Save(y), op.Save(lse))) : y;
    }

    /// <summary>
    /// Attention of queries (B, T, H, D) over keys and values (B, S, G, D), H a multiple of G -> (B, T, H, D). With <paramref name="causal"/> query t
    /// sees the keys up to t + S - T.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Attention(this Tensor q, Tensor k, Tensor v, bool causal = true)
    {
        const string name = "Attention";
        var op = Op.Begin(name, q, k, v);
        op.CheckFloat(q, k, v);
        if (q.Rank != 4 || k.Shape != v.Shape || k.Rank != 4 || q.Shape[0] != k.Shape[0] || q.Shape[3] != k.Shape[3] || k.Shape[2] < 1
            || q.Shape[2] % k.Shape[2] != 0 || (causal && k.Shape[1] < q.Shape[1]))
            throw op.Error($"q {q.Shape}, k {k.Shape}, v {v.Shape}: expected (B, T, H, D) and twice (B, S, G, D), H a multiple of G, S at least T when causal.");
        Tensor dq = q.Dense(name), dk = k.Dense(name), dv = v.Dense(name);
        var y = op.New(q.Shape);
        using var lse = Tensor.Unowned(op.Device, (q.Shape[0], q.Shape[2], q.Shape[1]), op.Device.Float, Use.Activation, name);
        op.Backend.Run(Call(dq.Read(name), dk.Read(name), dv.Read(name), y.Write(name), lse.Write(name), causal));
        return op.Records ? op.Push(y, new AttentionNode(op.Save(dq), op.Save(dk), op.Save(dv), op.Save(y), op.Save(lse), causal)) : y;
    }

    private static Attend Call(in View q, in View k, in View v, in View y, in View lse, bool causal) =>
        new() { Q = q, K = k, V = v, Y = y, Lse = lse, Causal = causal, Scale = 1f / MathF.Sqrt(q.Shape[3]) };

    private static Attend Call(FusedHeads fused, in View qkv, in View y, in View lse) =>
        Call(fused.Queries(qkv), fused.Keys(qkv), fused.Values(qkv), fused.Split(y), lse, causal: true);

    private sealed class FusedNode(FusedHeads fused, Saved qkv, Saved y, Saved lse) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            using var apart = target.Add ? sweep.Scratch(fused.Shape) : null;
            var d = (apart ?? target.Value).Write(Op);
            var forward = Call(fused, qkv.Get(Op).Read(Op), y.Get(Op).Read(Op), lse.Get(Op).Read(Op));
            sweep.Backend.Run(new AttendBack(forward, fused.Split(sweep.Dy.Read(Op)), fused.Queries(d), fused.Keys(d), fused.Values(d)));
            if (apart is not null) target.Value.AddInPlace(apart);
        }

        protected internal override void Release()
        {
            qkv.Release();
            y.Release();
            lse.Release();
        }
    }

    private sealed class AttentionNode(Saved q, Saved k, Saved v, Saved y, Saved lse, bool causal) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            Tensor qs = q.Get(Op), ks = k.Get(Op), vs = v.Get(Op);
            using var dq = sweep.Scratch(qs.Shape);
            using var dk = sweep.Scratch(ks.Shape);
            using var dv = sweep.Scratch(vs.Shape);
            var forward = Call(qs.Read(Op), ks.Read(Op), vs.Read(Op), y.Get(Op).Read(Op), lse.Get(Op).Read(Op), causal);
            sweep.Backend.Run(new AttendBack(forward, sweep.Dy.Read(Op), dq.Write(Op), dk.Write(Op), dv.Write(Op)));
            if (sweep.Needs(0)) sweep.GiveDy(0, dq);
            if (sweep.Needs(1)) sweep.GiveDy(1, dk);
            if (sweep.Needs(2)) sweep.GiveDy(2, dv);
        }

        protected internal override void Release()
        {
            q.Release();
            k.Release();
            v.Release();
            y.Release();
            lse.Release();
        }
    }
}
