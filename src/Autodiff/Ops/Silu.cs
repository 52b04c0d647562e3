using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>SiLU (Hendrycks and Gimpel 2016; Elfwing et al. 2018): x sigmoid(x) = x / (1 + exp(-x)).</summary>
public readonly struct Silu : IMap1<Silu>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => x / (V.Of(1f) + V.Exp(-x));

    /// <summary>By hand: where exp(-x) overflows the dual lane multiplies zero by infinity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Silu formula, V x, V dy) where V : struct, ILane<V>
    {
        var s = V.Of(1f) / (V.Of(1f) + V.Exp(-x));
        return dy * s * V.Fma(x, V.Of(1f) - s, V.Of(1f));
    }
}

public static partial class TensorOps
{
    /// <summary>x / (1 + exp(-x)), element-wise.</summary>
    /// <remarks>Backward: dx = dy s (1 + x (1 - s)) with s = 1 / (1 + exp(-x)).</remarks>
    public static Tensor Silu(this Tensor x) => x.Map(new Silu());
}
