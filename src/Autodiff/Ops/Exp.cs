using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>e to the power of x.</summary>
public readonly struct Exp : IMap1<Exp>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Exp(x);
}

/// <summary>The differentiable op.</summary>
public static class ExpOp
{
    /// <summary>e to the power of x, element-wise.</summary>
    public static Tensor Exp(this Tensor x) => x.Map(new Exp(), "Exp");
}
