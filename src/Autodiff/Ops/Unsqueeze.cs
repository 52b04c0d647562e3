namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The same elements with one more axis, of size 1, that becomes <paramref name="axis"/> (-1: the last); a view.</summary>
    /// <remarks>Backward: dx = dy in the shape of x, a view where the strides allow it.</remarks>
    /// <exception cref="ArgumentException">There is no such place for an axis, or the shape has the most axes already.</exception>
    public static Tensor Unsqueeze(this Tensor x, int axis)
    {
        var call = Op.Begin("Unsqueeze", x);
        int place = axis < 0 ? axis + x.Rank + 1 : axis;
        if (place < 0 || place > x.Rank) throw call.Error($"no axis of shape {x.Shape} can become axis {axis}.");
        if (x.Rank == Shape.MaxRank) throw call.Error($"shape {x.Shape} has {x.Rank} axes, the most there can be.");
        return x.Reshape(Axes.Inserted(x.Shape, place, 1));
    }
}
