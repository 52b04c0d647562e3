namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>Elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="length"/> of one axis; a view.</summary>
    /// <remarks>Backward: dx = dy in the region of the slice, else 0.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or the range leaves it.</exception>
    public static Tensor Slice(this Tensor x, int axis, long start, long length)
    {
        var call = Op.Begin("Slice", x);
        int i = Axes.Index(call, x.Shape, axis);
        if (start < 0 || length < 0 || length > x.Shape[i] - start)
            throw call.Error($"{length} elements from {start} on leave axis {axis} of shape {x.Shape}, which has {x.Shape[i]}.");
        var y = x.ViewAs(x.Layout.Slice(i, start, length), call.Name);
        return call.Records ? call.Push(y, new SliceNode(i, start, length)) : y;
    }

    private sealed class SliceNode(int axis, long start, long length) : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep)
        {
            var target = sweep.Target(0);
            var whole = Write(target);
            if (!target.Add) sweep.Backend.Fill(whole, 0);
            sweep.Backend.Copy(Read(sweep.Dy), whole.With(whole.Layout.Slice(axis, start, length)), target.Add);
        }
    }
}
