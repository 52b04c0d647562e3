using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The larger of two numbers; NaN if either is.</summary>
public readonly struct Maximum : IMap2<Maximum>
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.Max(a, b);
}

public static partial class TensorOps
{
    /// <summary>The larger of two elements; NaN if either is; shapes broadcast.</summary>
    /// <remarks>
    /// Backward: dy goes to the larger, to a where they are equal (in PyTorch half to each), summed where an input was repeated.
    /// </remarks>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or an input is not floating-point.</exception>
    public static Tensor Maximum(this Tensor a, Tensor b) => a.Map(b, new Maximum());
}
