namespace Mayfly;

/// <summary>What a run records after a step. What was not measured is NaN.</summary>
/// <param name="Step">The step, counted from 1.</param>
/// <param name="Loss">The mean training loss of the step, in nats per token.</param>
/// <param name="ValidationLoss">The validation loss, in nats per token.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="TokensPerSecond">Tokens of the step by its time.</param>
/// <param name="PeakBytes">The most bytes in use at once during the step.</param>
/// <param name="LiveBytes">Bytes in use after the step.</param>
public readonly record struct RunPoint(
    long Step, double Loss, double ValidationLoss, double LearningRate, double TokensPerSecond, double PeakBytes, double LiveBytes)
{
    /// <summary>The L2 norm of all gradients together, before clipping.</summary>
    public double GradientNorm { get; init; } = double.NaN;

    /// <summary>The seconds since the run began, those before a resumption included.</summary>
    public double Seconds { get; init; } = double.NaN;

    /// <summary>The bits of the validation loss for each byte of text; NaN where tokens are numbers.</summary>
    public double BitsPerByte { get; init; } = double.NaN;

    /// <summary>The share of validation tokens that the model held for the likeliest.</summary>
    public double Accuracy { get; init; } = double.NaN;

    /// <summary>e to the validation loss.</summary>
    public double Perplexity => Math.Exp(ValidationLoss);
}
