using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>GELU (Hendrycks and Gimpel 2016): x times the normal distribution's cumulative probability, by the error function.</summary>
public readonly struct GeluErf : IMap1<GeluErf>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(0.5f) * x * (V.Of(1f) + V.Erf(x * V.Of(0.7071067811865476)));
}

public static partial class TensorOps
{
    /// <summary>x (1 + erf(x / sqrt 2)) / 2, element-wise.</summary>
    /// <remarks>Backward: dx = dy ((1 + erf(x / sqrt 2)) / 2 + x exp(-x^2 / 2) / sqrt(2 pi)).</remarks>
    public static Tensor GeluErf(this Tensor x) => x.Map(new GeluErf());
}
