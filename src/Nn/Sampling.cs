namespace Mayfly;

/// <summary>
/// How the next token is chosen: the repetition penalty changes the scores, the temperature divides them, the softmax makes probabilities
/// of them, top-k, top-p and min-p in this order drop tokens, and one is drawn from the rest.
/// </summary>
public sealed record Sampling
{
    /// <summary>What the scores are divided by before the softmax; 0 always takes the best token.</summary>
    public double Temperature { get; init; } = 0.8;

    /// <summary>Only this many of the best tokens can be drawn (Fan et al. 2018); 0 for all.</summary>
    public int TopK { get; init; } = 200;

    /// <summary>
    /// Only the fewest best tokens whose probabilities sum to this part of those that top-k left (Holtzman et al. 2020); 1 for all.
    /// </summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only tokens at least this part as probable as the best one (Nguyen et al. 2024); 0 for all.</summary>
    public double MinP { get; init; }

    /// <summary>
    /// Positive scores of tokens that the row has already are divided by this, negative ones multiplied (Keskar et al. 2019); 1 for none.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>The seed of the draws: with the row and the position it decides each one.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Checks every field.</summary>
    /// <exception cref="ArgumentException">A field is impossible; the message names it.</exception>
    public void Check()
    {
        if (!(Temperature >= 0 && double.IsFinite(Temperature)))
            throw new ArgumentException($"Sampling: the temperature {Temperature} is not a finite number of at least 0.");
        if (TopK < 0) throw new ArgumentException($"Sampling: top-k {TopK} is negative; give 0 for all tokens.");
        if (!(TopP > 0 && TopP <= 1)) throw new ArgumentException($"Sampling: top-p {TopP} is outside (0, 1]; give 1 for all tokens.");
        if (!(MinP >= 0 && MinP <= 1)) throw new ArgumentException($"Sampling: min-p {MinP} is outside [0, 1]; give 0 for all tokens.");
        if (!(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty)))
            throw new ArgumentException($"Sampling: the repetition penalty {RepetitionPenalty} is not a positive number; give 1 for none.");
    }
}
