namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>1 at each id's place of a new last axis, else 0: ids I32 (...) -> (..., classes).</summary>
    /// <remarks>Backward: none; no gradient passes.</remarks>
    /// <exception cref="ArgumentException">ids are not I32.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, classes).</exception>
    public static Tensor OneHot(this Tensor ids, int classes)
    {
        var call = Op.Begin("OneHot", ids);
        Ids.Check(call, ids, classes, ignore: null);
        var values = new float[checked(ids.Count * classes)];
        int[] places = ids.ToArray<int>();
        for (int i = 0; i < places.Length; i++) values[(long)i * classes + places[i]] = 1;
        return Tensor.From<float>(values, ids.Shape.Append(classes), call.Device);
    }
}
