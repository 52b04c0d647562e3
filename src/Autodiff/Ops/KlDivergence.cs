using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>p (log p - l), which is 0 where p is 0, of a probability p and the logarithm l of another.</summary>
internal readonly struct RelativeEntropy : IMap2<RelativeEntropy>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V l, V p) where V : struct, ILane<V> => V.WhereEqual(p, V.Of(0f), V.Of(0f), p * (V.Log(p) - l));
}

public static partial class TensorOps
{
    /// <summary>
    /// The Kullback-Leibler divergence of a distribution given by logits from the probabilities it should have, sum p (log p - log q) over
    /// the last axis, the mean over rows, of shape (): as in distillation. Both (..., V).
    /// </summary>
    /// <remarks>
    /// Backward: with q = softmax(logits): dlogits = dy (q sum(p) - p) / rows, dprobabilities = dy (log p - log q + 1) / rows, and 0 where
    /// p is 0.
    /// </remarks>
    /// <exception cref="ArgumentException">The shapes differ, or the last axis is empty.</exception>
    public static Tensor KlDivergence(this Tensor logits, Tensor probabilities)
    {
        if (logits.Shape != probabilities.Shape || logits.Count == 0)
            throw new ArgumentException(
                $"KlDivergence: logits {logits.Shape} and probabilities {probabilities.Shape}; the shapes must be equal and not empty.");
        using var logs = logits.LogSoftmax();
        using var terms = logs.Map(probabilities, new RelativeEntropy(), "KlDivergence");
        using var sum = terms.Sum();
        return sum / ((double)logits.Count / logits.Shape[-1]);
    }
}
