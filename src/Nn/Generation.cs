namespace Mayfly;

/// <summary>How the next token is chosen.</summary>
public sealed record Sampling
{
    /// <summary>What the scores are divided by before the softmax; 0 always takes the best token.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only this many of the best tokens can be drawn; 0 for all.</summary>
    public int TopK { get; init; } = 200;

    /// <summary>The seed of the draws: with the position it decides each one.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every field.</summary>
    /// <exception cref="ArgumentException">A field is impossible; the message names it.</exception>
    public void Check()
    {
        if (!(Temperature >= 0 && double.IsFinite(Temperature))) throw new ArgumentException($"Sampling: the temperature {Temperature} is not a finite number of at least 0.");
        if (TopK < 0) throw new ArgumentException($"Sampling: top-k {TopK} is negative; give 0 for all tokens.");
    }
}

/// <summary>Lets a <see cref="Gpt"/> continue a sequence.</summary>
public static class Generation
{
    /// <summary>Keeps the draws apart from those of initialisation, dropout and batches.</summary>
    private const ulong Stream = 0x6E4E_7A7E_0000_0000;

    /// <summary>
    /// Yields tokens one by one, each given the last <see cref="ModelConfig.Context"/> of those before it. The same model, prompt and sampling give
    /// the same tokens.
    /// </summary>
    /// <param name="model">The model; dropout is off while it is asked.</param>
    /// <param name="prompt">What to continue, at least one id.</param>
    /// <param name="count">The number of tokens.</param>
    /// <param name="sampling">How they are chosen.</param>
    /// <exception cref="ArgumentException">The prompt is empty, or the sampling is impossible.</exception>
    /// <exception cref="ArithmeticException">A score is infinite or not a number: the model's weights are.</exception>
    public static IEnumerable<int> Generate(this Gpt model, IReadOnlyList<int> prompt, int count, Sampling sampling)
    {
        sampling.Check();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (prompt.Count == 0) throw new ArgumentException("Generate: the prompt is empty; give at least one token.", nameof(prompt));
        return Continue(model, [.. prompt], count, sampling);
    }

    private static IEnumerable<int> Continue(Gpt model, List<int> tokens, int count, Sampling sampling)
    {
        for (int i = 0; i < count; i++)
        {
            int next = Choose(NextScores(model, tokens), sampling, tokens.Count);
            tokens.Add(next);
            yield return next;
        }
    }

    /// <summary>The scores of the token after the last one, V of them.</summary>
    private static float[] NextScores(Gpt model, List<int> tokens)
    {
        int length = Math.Min(tokens.Count, model.Config.Context);
        bool wasTraining = model.IsTraining;
        model.Eval();
        using var scope = model.Device.Scope("Generate");
        var ids = Tensor.From<int>(tokens[^length..].ToArray(), (1, length), model.Device);
        var scores = model.Logits(ids).ToArray(); // (1, T, V)
        if (wasTraining) model.Train();
        return scores[^model.Config.VocabularySize..];
    }

    /// <summary>The token for a position; ties go to the smaller id.</summary>
    internal static int Choose(ReadOnlySpan<float> scores, Sampling sampling, long position)
    {
        foreach (float score in scores)
            if (!float.IsFinite(score)) throw new ArithmeticException($"Generate: a score at position {position} is {score}; the model's weights are damaged.");
        var order = BestFirst(scores);
        if (sampling.Temperature == 0) return order[0];
        int candidates = sampling.TopK == 0 ? order.Length : Math.Min(sampling.TopK, order.Length);
        float unit = Philox.Unit(Philox.Bits(new RandomKey(sampling.Seed, Stream), position));
        return Draw(scores, order.AsSpan(0, candidates), sampling.Temperature, unit);
    }

    private static int[] BestFirst(ReadOnlySpan<float> scores)
    {
        var order = new int[scores.Length];
        var keys = new (float, int)[scores.Length];
        for (int i = 0; i < order.Length; i++) (order[i], keys[i]) = (i, (-scores[i], i));
        Array.Sort(keys, order);
        return order;
    }

    /// <summary>Inverts the cumulative distribution of softmax(scores / temperature) over the candidates, the best of which comes first.</summary>
    private static int Draw(ReadOnlySpan<float> scores, ReadOnlySpan<int> candidates, double temperature, double unit)
    {
        var weights = new double[candidates.Length];
        for (int i = 0; i < weights.Length; i++) weights[i] = Math.Exp((scores[candidates[i]] - scores[candidates[0]]) / temperature);
        double rest = unit * weights.Sum();
        for (int i = 0; i < weights.Length; i++)
            if ((rest -= weights[i]) < 0) return candidates[i];
        return candidates[^1];
    }
}
