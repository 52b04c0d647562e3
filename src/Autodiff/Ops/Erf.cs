using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The error function.</summary>
public readonly struct Erf : IMap1<Erf>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Erf(x);
}

public static partial class TensorOps
{
    /// <summary>The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x, element-wise.</summary>
    /// <remarks>Backward: dx = dy 2 / sqrt(pi) exp(-x^2).</remarks>
    public static Tensor Erf(this Tensor x) => x.Map(new Erf());
}
