using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>(a - b)^2.</summary>
internal readonly struct SquaredDifference : IMap2<SquaredDifference>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V a, V b) where V : struct, ILane<V> => (a - b) * (a - b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DA<V>(SquaredDifference formula, V a, V b, V dy) where V : struct, ILane<V> => dy * V.Of(2f) * (a - b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(SquaredDifference formula, V a, V b, V dy) where V : struct, ILane<V> => dy * V.Of(2f) * (b - a);
}

public static partial class TensorOps
{
    /// <summary>
    /// The mean squared error, mean((prediction - target)^2), of shape (). Shapes do not broadcast here: a loss over a broadcast pair is
    /// nearly always a mistake.
    /// </summary>
    /// <remarks>Backward: dprediction = 2 dy (prediction - target) / count, dtarget = -dprediction.</remarks>
    /// <exception cref="ArgumentException">The shapes differ, or there are no elements.</exception>
    public static Tensor Mse(this Tensor prediction, Tensor target)
    {
        if (prediction.Shape != target.Shape)
            throw new ArgumentException(
                $"Mse: a prediction {prediction.Shape} against a target {target.Shape}; the shapes must be equal, reshape one.");
        using var squares = prediction.Map(target, new SquaredDifference(), "Mse");
        return squares.Mean();
    }
}
