namespace Mayfly;

/// <summary>Numbers by which people judge models.</summary>
public static class Metrics
{
    /// <summary>The share of rows whose largest score is the target's; the first of equal ones counts.</summary>
    /// <param name="logits">(..., V).</param>
    /// <param name="targets">I32 (...).</param>
    /// <param name="ignoreIndex">The id of rows that do not count.</param>
    /// <returns>Within [0, 1]; NaN where no row counts.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static double Accuracy(Tensor logits, Tensor targets, int ignoreIndex = -1)
    {
        if (logits.Rank == 0 || targets.Shape != logits.Shape.Take(logits.Rank - 1))
            throw new ArgumentException(
                $"Accuracy: logits {logits.Shape}, targets {targets.Shape}: targets have the logits' shape without the last axis.");
        using var scope = logits.Device.Scope("Accuracy");
        int[] found = logits.ArgMax().ToArray<int>(), right = targets.ToArray<int>();
        int counted = right.Count(id => id != ignoreIndex);
        return (double)found.Where((id, i) => right[i] != ignoreIndex && id == right[i]).Count() / counted;
    }

    /// <summary>e to the mean cross-entropy: among how many tokens the model is as unsure.</summary>
    /// <param name="loss">The mean cross-entropy in nats.</param>
    public static double Perplexity(double loss) => Math.Exp(loss);

    /// <summary>The bits that the model needs for a byte of text, which compares models of different tokenizers.</summary>
    /// <param name="loss">The mean cross-entropy of a token in nats.</param>
    /// <param name="tokens">The tokens it is the mean of.</param>
    /// <param name="bytes">The bytes of their text in UTF-8.</param>
    public static double BitsPerByte(double loss, long tokens, long bytes) => loss * tokens / bytes / Math.Log(2);
}
