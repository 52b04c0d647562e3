namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The whole tensor <paramref name="count"/> times, one after the other along an axis (negative: from the last).</summary>
    /// <remarks>Backward: dx = the sum of the parts of dy.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or the count is not positive.</exception>
    public static Tensor Repeat(this Tensor x, int axis, int count)
    {
        var call = Op.Begin("Repeat", x);
        _ = Axes.Index(call, x.Shape, axis);
        if (count < 1) throw call.Error($"{count} times {x.Shape}; the count must be 1 or more.");
        var parts = new Tensor[count];
        Array.Fill(parts, x);
        return Tensor.Concat(axis, parts);
    }
}
