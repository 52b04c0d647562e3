using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The smaller of two numbers; NaN if either is.</summary>
public readonly struct Minimum : IMap2<Minimum>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.Min(a, b);
}

public static partial class TensorOps
{
    /// <summary>The smaller of two elements; NaN if either is; shapes broadcast.</summary>
    /// <remarks>
    /// Backward: dy goes to the smaller, to a where they are equal (in PyTorch half to each), summed where an input was repeated.
    /// </remarks>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or an input is not floating-point.</exception>
    public static Tensor Minimum(this Tensor a, Tensor b) => a.Map(b, new Minimum());
}
