using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>(a - b)^2 / 2 up to a distance delta, from there on a straight line of the same slope.</summary>
internal readonly struct HuberLoss(Hyper delta) : IMap2<HuberLoss>
{
    private readonly Hyper delta = delta;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V>
    {
        V distance = V.Abs(a - b), near = V.Min(distance, V.Of(delta));
        return near * (distance - V.Of(0.5f) * near);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DA<V>(HuberLoss formula, V a, V b, V dy) where V : struct, ILane<V> =>
        dy * V.Max(V.Min(a - b, V.Of(formula.delta)), -V.Of(formula.delta));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(HuberLoss formula, V a, V b, V dy) where V : struct, ILane<V> => DA(formula, b, a, dy);
}

public static partial class TensorOps
{
    /// <summary>
    /// The mean Huber loss (Huber 1964), of shape (): d^2 / 2 of a distance d up to <paramref name="delta"/>, delta (d - delta / 2) from
    /// there on; prediction and target of one shape.
    /// </summary>
    /// <remarks>Backward: dprediction = dy (prediction - target), cut to [-delta, delta], / count; dtarget = -dprediction.</remarks>
    /// <exception cref="ArgumentException">The shapes differ, there are no elements, or delta is not positive.</exception>
    public static Tensor Huber(this Tensor prediction, Tensor target, double delta = 1) => delta > 0
        ? MeanLoss("Huber", prediction, target, new HuberLoss(delta))
        : throw new ArgumentException($"Huber: a delta of {delta}; it must be positive.");
}
