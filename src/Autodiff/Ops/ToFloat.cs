namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// A copy in the device's floating-point type, as for ops that take no type that is storage only (<see cref="DTypes.IsStored"/>), and
    /// no whole numbers.
    /// </summary>
    /// <remarks>Backward: dx = dy.</remarks>
    public static Tensor ToFloat(this Tensor x)
    {
        if (x.Type != DType.I32) return x.Map(new Identity(), "ToFloat");
        var call = Op.Begin("ToFloat", x);
        var y = call.New(x.Shape);
        call.Backend.Copy(call.Read(x), call.Write(y));
        return y;
    }
}
