using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The natural logarithm.</summary>
public readonly struct Log : IMap1<Log>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Log(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Log formula, V x, V dy) where V : struct, ILane<V> => dy / x;
}

public static partial class TensorOps
{
    /// <summary>The natural logarithm, element-wise; negative infinity at zero, NaN below.</summary>
    /// <remarks>Backward: dx = dy / x.</remarks>
    public static Tensor Log(this Tensor x) => x.Map(new Log());
}
