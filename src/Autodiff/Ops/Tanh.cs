using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The hyperbolic tangent.</summary>
public readonly struct Tanh : IMap1<Tanh>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Tanh(x);
}

/// <summary>The differentiable op.</summary>
public static class TanhOp
{
    /// <summary>The hyperbolic tangent, element-wise.</summary>
    public static Tensor Tanh(this Tensor x) => x.Map(new Tanh(), "Tanh");
}
