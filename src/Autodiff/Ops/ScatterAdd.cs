namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The tensor with rows added to its own, y = x, then y[ids[i]] += rows[i] in the order of i: x (N, ...), ids I32 (K), rows (K, ...).
    /// </summary>
    /// <remarks>Backward: dx = dy, drows[i] = dy[ids[i]].</remarks>
    /// <exception cref="ArgumentException">The shapes do not fit, or ids are no vector of I32.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, N).</exception>
    public static Tensor ScatterAdd(this Tensor x, Tensor ids, Tensor rows)
    {
        var call = Op.Begin("ScatterAdd", x, ids, rows);
        call.CheckFloat(x, rows);
        if (x.Rank == 0 || ids.Rank != 1 || rows.Shape != x.Shape.With(0, ids.Count))
            throw call.Error($"x {x.Shape}, ids {ids.Shape}, rows {rows.Shape}; they must be (N, ...), (K) and (K, ...).");
        Ids.Check(call, ids, x.Shape[0], ignore: null);
        var y = call.New(x.Shape);
        call.Backend.Copy(call.Read(x), call.Write(y));
        Tensor dense = call.Dense(ids), parts = call.Dense(rows);
        long width = x.Count / Math.Max(1, x.Shape[0]);
        call.Backend.Run(new ScatterAdd(AsRows(call.Read(parts), width), call.Read(dense), AsRows(call.Write(y), width)));
        return call.Records ? call.Push(y, new ScatterAddNode(call.Save(dense), width)) : y;
    }

    private static View AsRows(in View dense, long width) =>
        dense.With(dense.Layout.TryReshape((width == 0 ? dense.Shape[0] : dense.Count / width, width))!.Value);

    private sealed class ScatterAddNode(Saved ids, long width) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            if (sweep.Needs(2)) Rows(sweep, sweep.Target(2));
            if (sweep.Needs(0)) sweep.GiveDy(0, sweep.Dy);
        }

        private void Rows(Sweep sweep, Target target)
        {
            var dy = AsRows(Read(sweep.Dy), width);
            if (!target.Add)
            {
                sweep.Backend.Run(new Gather(dy, Read(ids), AsRows(Write(target), width)));
                return;
            }

            using var picked = sweep.Scratch(target.Value.Shape);
            sweep.Backend.Run(new Gather(dy, Read(ids), AsRows(Write(picked), width)));
            sweep.Backend.Copy(Read(picked), Write(target), add: true);
        }
    }
}
