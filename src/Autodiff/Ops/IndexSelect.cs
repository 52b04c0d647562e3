namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Slices of one axis (negative: from the last) by number, y[.., i, ..] = x[.., ids[i], ..]: ids I32 (K) of any order, repeated or not;
    /// the axis gets the size K.
    /// </summary>
    /// <remarks>Backward: dx is zero but for each slice of dy, which is added to that of its number.</remarks>
    /// <exception cref="ArgumentException">There is no such axis, or ids are no vector of I32.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the axis.</exception>
    public static Tensor IndexSelect(this Tensor x, int axis, Tensor ids)
    {
        var call = Op.Begin("IndexSelect", x, ids);
        int i = Axes.Index(call, x.Shape, axis);
        if (ids.Rank != 1) throw call.Error($"ids {ids.Shape}; they must be a vector.");
        Ids.Check(call, ids, x.Shape[i], ignore: null);
        var front = i == 0 ? x : x.Transpose(0, i); // (N, ...)
        long width = front.Count / Math.Max(1, front.Shape[0]);
        var rows = front.Reshape((front.Shape[0], width)).Embedding(ids); // (K, width)
        var y = rows.Reshape(front.Shape.With(0, ids.Count));
        return i == 0 ? y : y.Transpose(0, i);
    }
}
