using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The square root.</summary>
public readonly struct Sqrt : IMap1<Sqrt>
{
    /// <inheritdoc/>
    public static Keep Keeps => Keep.Result;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Sqrt(x);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Sqrt formula, V y, V dy) where V : struct, ILane<V> => dy * V.Of(0.5f) / y;
}

public static partial class TensorOps
{
    /// <summary>The square root, element-wise; NaN below zero.</summary>
    /// <remarks>Backward: dx = dy / (2 y).</remarks>
    public static Tensor Sqrt(this Tensor x) => x.Map(new Sqrt());
}
