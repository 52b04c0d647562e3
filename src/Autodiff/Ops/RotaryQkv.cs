namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// <see cref="Rotary"/> of the queries and keys in the fused result of one linear layer, qkv (B, T, (heads + 2 kvHeads) D) as
    /// <see cref="CausalAttention"/> takes it; the values stay. Queries and keys lie side by side, so that one pass turns both where they
    /// are.
    /// </summary>
    /// <remarks>Backward: dqkv = dy with the parts of queries and keys turned back.</remarks>
    /// <param name="qkv">All query heads, then all key heads, then all value heads.</param>
    /// <param name="table">From <see cref="RotaryTable"/>; its first T rows are used.</param>
    /// <param name="heads">The number of query heads.</param>
    /// <param name="kvHeads">The number of key heads, and of value heads.</param>
    /// <param name="halves">False: pairs (2i, 2i + 1); true: pairs (i, i + D / 2).</param>
    /// <param name="takeOver">
    /// True where the caller is done with <paramref name="qkv"/>: it is freed, and its memory turned in place unless a view or the tape
    /// holds it too.
    /// </param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor RotaryQkv(this Tensor qkv, Tensor table, int heads, int kvHeads, bool halves = false, bool takeOver = false)
    {
        var call = Op.Begin("RotaryQkv", qkv, table);
        call.CheckFloat(qkv, table);
        var fused = FusedHeads.Of(call, qkv, heads, kvHeads);
        if (table.Rank != 3 || table.Shape[0] < qkv.Shape[1] || table.Shape[1] * 2 != fused.HeadSize || table.Shape[2] != 2)
            throw call.Error($"qkv {qkv.Shape} of head size {fused.HeadSize}, table {table.Shape}: expected (T or more, D / 2, 2).");
        Tensor dense = call.Dense(qkv), angles = call.Dense(table);
        bool inPlace = takeOver && dense == qkv && !qkv.Storage.IsShared && qkv.Maker is not Parameter;
        var y = inPlace ? qkv.ViewAs(call.Name) : call.New(qkv.Shape);
        var turn = new Turn(fused, halves);
        turn.Apply(call.Backend, call.Read(dense), call.Read(angles), call.Write(y), inverse: false, add: false, inPlace);
        if (call.Records) call.Push(y, new RotaryQkvNode(turn, call.Save(angles)));
        if (takeOver) qkv.Dispose();
        return y;
    }

    private readonly record struct Turn(FusedHeads Fused, bool Halves)
    {
        /// <summary>Turns queries and keys; the values are copied, unless they are in place.</summary>
        public void Apply(Backend backend, in View x, in View table, in View y, bool inverse, bool add, bool inPlace)
        {
            backend.Run(new Rotate(Fused.QueriesAndKeys(x), table, Fused.QueriesAndKeys(y), Halves, inverse, add));
            if (!inPlace) backend.Copy(Fused.Values(x), Fused.Values(y), add);
        }
    }

    private sealed class RotaryQkvNode(Turn turn, Saved table) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            var dy = Read(sweep.Dy);
            var target = sweep.TargetOverDy(0);
            bool inPlace = target.Value.Storage == sweep.Dy.Storage;
            turn.Apply(sweep.Backend, dy, Read(table), Write(target), inverse: true, target.Add, inPlace);
        }
    }
}
