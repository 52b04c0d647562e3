namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The same elements without an axis of size 1 (negative: from the last); a view.</summary>
    /// <remarks>Backward: dx = dy in the shape of x, a view where the strides allow it.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or its size is not 1.</exception>
    public static Tensor Squeeze(this Tensor x, int axis)
    {
        var call = Op.Begin("Squeeze", x);
        int i = Axes.Index(call, x.Shape, axis);
        return x.Shape[i] == 1
            ? x.Reshape(Axes.Without(x.Shape, [i]))
            : throw call.Error($"axis {axis} of shape {x.Shape} has {x.Shape[i]} elements; only an axis of one can go.");
    }
}
