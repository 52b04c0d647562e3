using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The logistic function 1 / (1 + exp(-x)).</summary>
public readonly struct Sigmoid : IMap1<Sigmoid>
{
    /// <inheritdoc/>
    public static Keep Keeps => Keep.Result;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(1f) / (V.Of(1f) + V.Exp(-x));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Sigmoid formula, V y, V dy) where V : struct, ILane<V> => dy * y * (V.Of(1f) - y);
}

public static partial class TensorOps
{
    /// <summary>1 / (1 + exp(-x)), element-wise.</summary>
    /// <remarks>Backward: dx = dy y (1 - y).</remarks>
    public static Tensor Sigmoid(this Tensor x) => x.Map(new Sigmoid());
}
