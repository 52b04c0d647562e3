using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>x where it is between two numbers, else the nearer of these.</summary>
/// <param name="low">The smallest result.</param>
/// <param name="high">The largest result.</param>
public readonly struct Clamp(Hyper low, Hyper high) : IMap1<Clamp>
{
    private readonly Hyper low = low, high = high;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.Min(V.Max(x, V.Of(low)), V.Of(high));

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V D<V>(Clamp formula, V x, V dy) where V : struct, ILane<V> =>
        V.Where(x, V.Of(formula.low), V.Of(0f), V.Where(V.Of(formula.high), x, V.Of(0f), dy));
}

public static partial class TensorOps
{
    /// <summary>x where it is from <paramref name="low"/> to <paramref name="high"/>, else the nearer of these; NaN stays.</summary>
    /// <remarks>Backward: dx = dy from low to high, both included, else 0.</remarks>
    /// <exception cref="ArgumentException">low is above high, or one is NaN.</exception>
    public static Tensor Clamp(this Tensor x, double low = double.NegativeInfinity, double high = double.PositiveInfinity) => low <= high
        ? x.Map(new Clamp(low, high))
        : throw new ArgumentException($"Clamp: from {low} to {high}; the first must not be above the second.");
}
