namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// A copy in the device's floating-point type, as for ops that take no type that is storage only (<see cref="DTypes.IsStored"/>).
    /// </summary>
    /// <remarks>Backward: dx = dy.</remarks>
    public static Tensor ToFloat(this Tensor x) => x.Map(new Identity(), "ToFloat");
}
