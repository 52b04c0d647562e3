namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The same values with no way back for gradients. A view, except of a weight: that is copied, because a weight may be stepped in place
    /// before the sweep has passed every reader of its detached value, in floats if its type is storage only.
    /// </summary>
    /// <remarks>Backward: none; no gradient passes.</remarks>
    public static Tensor Detach(this Tensor x)
    {
        var call = Op.Begin("Detach", x);
        if (x.Storage.Use != Use.Weight) return x.ViewAs(call.Name);
        var y = call.New(x.Shape, call.CopyType(x));
        call.Backend.Copy(call.Read(x), call.Write(y));
        return y;
    }
}
