namespace Mayfly;

public static partial class TensorOps
{
    extension(Tensor)
    {
        /// <summary>
        /// The tensors one after the other along <paramref name="axis"/> (negative: from the last); their other sizes agree.
        /// </summary>
        /// <remarks>Backward: each input gets a view of its part of dy, without a copy.</remarks>
        /// <exception cref="ArgumentException">No tensors, no such axis, or sizes that differ elsewhere.</exception>
        public static Tensor Concat(int axis, params ReadOnlySpan<Tensor> tensors)
        {
            if (tensors.Length == 0) throw new ArgumentException("Concat: no tensors; give at least one.");
            var call = Op.Begin("Concat", tensors);
            call.CheckFloat(tensors);
            int i = Axes.Index(call, tensors[0].Shape, axis);
            var y = call.New(ConcatShape(call, tensors, i));
            var ends = ConcatInto(call, tensors, i, y);
            return call.Records ? call.Push(y, new ConcatNode(i, ends)) : y;
        }
    }

    private static Shape ConcatShape(Op call, ReadOnlySpan<Tensor> tensors, int axis)
    {
        long size = 0;
        foreach (var x in tensors)
        {
            if (x.Rank != tensors[0].Rank || x.Shape.With(axis, 1) != tensors[0].Shape.With(axis, 1))
                throw call.Error($"shapes {tensors[0].Shape} and {x.Shape} differ outside axis {axis}.");
            size += x.Shape[axis];
        }

        return tensors[0].Shape.With(axis, size);
    }

    /// <summary>Copies the tensors to their places.</summary>
    /// <returns>Where each place ends.</returns>
    private static long[] ConcatInto(Op call, ReadOnlySpan<Tensor> tensors, int axis, Tensor y)
    {
        var ends = new long[tensors.Length];
        long start = 0;
        var whole = call.Write(y);
        for (int k = 0; k < ends.Length; k++)
        {
            long length = tensors[k].Shape[axis];
            call.Backend.Copy(call.Read(tensors[k]), whole.With(whole.Layout.Slice(axis, start, length)));
            ends[k] = start += length;
        }

        return ends;
    }

    private sealed class ConcatNode(int axis, long[] ends) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            for (int k = 0; k < ends.Length; k++)
            {
                if (!sweep.Needs(k)) continue;
                long start = k == 0 ? 0 : ends[k - 1];
                using var part = sweep.Dy.UnownedView(sweep.Dy.Layout.Slice(axis, start, ends[k] - start));
                sweep.GiveDy(k, part);
            }
        }
    }
}
