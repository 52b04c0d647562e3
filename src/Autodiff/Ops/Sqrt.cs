using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The square root.</summary>
public readonly struct Sqrt : IMap1<Sqrt>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Sqrt(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Sqrt op, V x, V dy) where V : struct, ILane<V> => dy * V.Of(0.5f) / V.Sqrt(x);
}

/// <summary>The differentiable op.</summary>
public static class SqrtOp
{
    /// <summary>The square root, element-wise; NaN below zero.</summary>
    public static Tensor Sqrt(this Tensor x) => x.Map(new Sqrt(), "Sqrt");
}
