namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>Parts of the given sizes along an axis (negative: from the last), one after the other; views.</summary>
    /// <remarks>Backward: dx = the parts of dy, one after the other.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or the sizes do not add up to it.</exception>
    public static Tensor[] Split(this Tensor x, int axis, params ReadOnlySpan<long> sizes)
    {
        var call = Op.Begin("Split", x);
        long all = x.Shape[Axes.Index(call, x.Shape, axis)], sum = 0;
        foreach (long size in sizes) sum += size < 0 ? throw call.Error($"a part of {size} elements of shape {x.Shape}.") : size;
        if (sum != all) throw call.Error($"parts of {sum} elements together, but axis {axis} of shape {x.Shape} has {all}.");
        var parts = new Tensor[sizes.Length];
        long start = 0;
        for (int k = 0; k < parts.Length; start += sizes[k++]) parts[k] = x.Slice(axis, start, sizes[k]);
        return parts;
    }
}
