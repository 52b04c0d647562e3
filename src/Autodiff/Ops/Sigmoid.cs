using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The logistic function 1 / (1 + exp(-x)).</summary>
public readonly struct Sigmoid : IMap1<Sigmoid>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(1f) / (V.Of(1f) + V.Exp(-x));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Sigmoid op, V x, V dy) where V : struct, ILane<V>
    {
        var s = op.F(x);
        return dy * s * (V.Of(1f) - s);
    }
}

/// <summary>The differentiable op.</summary>
public static class SigmoidOp
{
    /// <summary>1 / (1 + exp(-x)), element-wise.</summary>
    public static Tensor Sigmoid(this Tensor x) => x.Map(new Sigmoid(), "Sigmoid");
}
