using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>SiLU (Hendrycks and Gimpel 2016; Elfwing et al. 2018): x sigmoid(x) = x / (1 + exp(-x)).</summary>
public readonly struct Silu : IMap1<Silu>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => x / (V.Of(1f) + V.Exp(-x));
}

/// <summary>The differentiable op.</summary>
public static class SiluOp
{
    /// <summary>x / (1 + exp(-x)), element-wise.</summary>
    public static Tensor Silu(this Tensor x) => x.Map(new Silu(), "Silu");
}
