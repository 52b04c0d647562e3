using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>GELU in its tanh form (Hendrycks and Gimpel 2016), as GPT-2 uses it: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.</summary>
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

/// <summary>The differentiable op.</summary>
public static class GeluOp
{
    /// <summary>GELU in its tanh form, element-wise; <see cref="GeluErfOp.GeluErf"/> is the exact one.</summary>
    public static Tensor Gelu(this Tensor x) => x.Map(new Gelu(), "Gelu");
}
