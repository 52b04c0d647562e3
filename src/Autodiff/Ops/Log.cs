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
    public static V D<V>(Log op, V x, V dy) where V : struct, ILane<V> => dy / x;
}

/// <summary>The differentiable op.</summary>
public static class LogOp
{
    /// <summary>The natural logarithm, element-wise; negative infinity at zero, NaN below.</summary>
    public static Tensor Log(this Tensor x) => x.Map(new Log(), "Log");
}
