using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>-(t log p + (1 - t) log(1 - p)) with p = sigmoid(x), as max(x, 0) - x t + log(1 + exp(-|x|)), which no x overflows.</summary>
internal readonly struct LogisticLoss : IMap2<LogisticLoss>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x, V t) where V : struct, ILane<V> =>
        V.Max(x, V.Of(0f)) - x * t + V.Log(V.Of(1f) + V.Exp(-V.Abs(x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DA<V>(LogisticLoss formula, V x, V t, V dy) where V : struct, ILane<V>
    {
        var e = V.Exp(-V.Abs(x));
        var small = e / (V.Of(1f) + e);
        return dy * (V.Where(x, V.Of(0f), small, V.Of(1f) - small) - t);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V DB<V>(LogisticLoss formula, V x, V t, V dy) where V : struct, ILane<V> => -(dy * x);
}

public static partial class TensorOps
{
    /// <summary>
    /// The mean binary cross-entropy, -(t log p + (1 - t) log(1 - p)) with p = sigmoid(logits), of shape (): logits and targets, numbers
    /// from 0 to 1, of one shape.
    /// </summary>
    /// <remarks>Backward: dlogits = dy (p - t) / count, dtargets = -dy logits / count.</remarks>
    /// <exception cref="ArgumentException">The shapes differ, or there are no elements.</exception>
    public static Tensor BinaryCrossEntropy(this Tensor logits, Tensor targets) =>
        MeanLoss("BinaryCrossEntropy", logits, targets, new LogisticLoss());

    /// <summary>The mean of a loss of two tensors of one shape. Shapes do not broadcast: that would nearly always be a mistake.</summary>
    private static Tensor MeanLoss<TLoss>(string name, Tensor prediction, Tensor target, TLoss loss) where TLoss : unmanaged, IMap2<TLoss>
    {
        if (prediction.Shape != target.Shape)
            throw new ArgumentException(
                $"{name}: a prediction {prediction.Shape} against a target {target.Shape}; the shapes must be equal, reshape one.");
        using var losses = prediction.Map(target, loss, name);
        return losses.Mean();
    }
}
