using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The sine of an angle in radians.</summary>
public readonly struct Sin : IMap1<Sin>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Sin(x);
}

public static partial class TensorOps
{
    /// <summary>The sine of angles in radians, element-wise; NaN at the infinities.</summary>
    /// <remarks>Backward: dx = dy cos(x).</remarks>
    public static Tensor Sin(this Tensor x) => x.Map(new Sin());
}
