using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// GELU in its tanh form (Hendrycks and Gimpel 2016), as GPT-2 uses it: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
/// </summary>
public readonly struct Gelu : IMap1<Gelu>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V>
    {
        var inner = x * V.Fma(x * x, V.Of(0.044715 * 0.7978845608028654), V.Of(0.7978845608028654));
        return V.Of(0.5f) * x * (V.Of(1f) + V.Tanh(inner));
    }
}

public static partial class TensorOps
{
    /// <summary>
    /// GELU in its tanh form, x (1 + t) / 2 with t = tanh(0.79788 (x + 0.044715 x^3)), element-wise; <see cref="GeluErf"/> is the exact
    /// one.
    /// </summary>
    /// <remarks>Backward: dx = dy ((1 + t) / 2 + x (1 - t^2) 0.79788 (1 + 0.134145 x^2) / 2).</remarks>
    public static Tensor Gelu(this Tensor x) => x.Map(new Gelu());
}
