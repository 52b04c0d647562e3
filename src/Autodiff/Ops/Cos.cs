using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The cosine of an angle in radians.</summary>
public readonly struct Cos : IMap1<Cos>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Cos(x);
}

public static partial class TensorOps
{
    /// <summary>The cosine of angles in radians, element-wise; NaN at the infinities.</summary>
    /// <remarks>Backward: dx = -dy sin(x).</remarks>
    public static Tensor Cos(this Tensor x) => x.Map(new Cos());
}
