namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The elements repeated to a larger shape by NumPy's rules of broadcasting; a view, whose repeated elements are the same memory.
    /// </summary>
    /// <remarks>Backward: dx = dy, summed where x was repeated.</remarks>
    /// <exception cref="ArgumentException">The shape does not broadcast to the other.</exception>
    public static Tensor Expand(this Tensor x, Shape shape)
    {
        var call = Op.Begin("Expand", x);
        if (x.Layout.TryBroadcast(shape) is not { } layout)
            throw call.Error($"{x.Shape} to {shape}: counted from the last axis, each size must be that of the new shape, or 1.");
        var y = x.ViewAs(layout, call.Name);
        return call.Records ? call.Push(y, new ExpandNode()) : y;
    }

    private sealed class ExpandNode : Node
    {
        protected internal override bool TakesAnyStrides => true;

        protected internal override void Backward(Sweep sweep) => sweep.SumTo(0, sweep.Dy);
    }
}
