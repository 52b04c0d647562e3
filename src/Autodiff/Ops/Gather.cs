namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// One element of an axis for each id, y[.., i, ..] = x[.., ids[.., i, ..], ..]: ids I32 of x's shape but for the axis (negative: from
    /// the last), whose size is free -> the ids' shape.
    /// </summary>
    /// <remarks>Backward: dx is zero but for each element of dy, which is added where it came from.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, the shapes differ elsewhere, or ids are not I32.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the axis.</exception>
    public static Tensor Gather(this Tensor x, int axis, Tensor ids)
    {
        var call = Op.Begin("Gather", x, ids);
        int i = Axes.Index(call, x.Shape, axis);
        if (ids.Rank != x.Rank || ids.Shape.With(i, 1) != x.Shape.With(i, 1))
            throw call.Error($"ids {ids.Shape} for {x.Shape}; the shapes must agree but for axis {axis}.");
        Ids.Check(call, ids, x.Shape[i], ignore: null);
        if (x.Count > int.MaxValue) throw call.Error($"{x.Shape} has {x.Count} elements; ids of 32 bits reach {int.MaxValue} of them.");
        var last = x.Transpose(i, -1);
        using var places = FlatPlaces(ids.Transpose(i, -1), (int)x.Shape[i]);
        var picked = last.Reshape((last.Count, 1)).Embedding(places); // (K, 1)
        return picked.Reshape(ids.Shape.With(i, ids.Shape[-1]).With(ids.Rank - 1, ids.Shape[i])).Transpose(i, -1);
    }

    /// <summary>The numbers in a dense tensor of the elements that the ids name in its rows of <paramref name="width"/> elements.</summary>
    private static Tensor FlatPlaces(Tensor ids, int width)
    {
        int[] places = ids.ToArray<int>();
        int per = (int)Math.Max(1, ids.Shape[-1]);
        for (int k = 0; k < places.Length; k++) places[k] += k / per * width;
        return Tensor.From<int>(places, places.Length, ids.Device);
    }
}
