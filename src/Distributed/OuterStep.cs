using System.Numerics;

namespace Mayfly;

/// <summary>
/// The outer optimizer of DiLoCo (Douillard et al. 2023, arXiv 2311.08105): SGD with Nesterov's momentum on the mean change of the workers,
/// old weights minus new. B = momentum B + change; W -= learningRate (change + momentum B).
/// </summary>
public sealed record OuterStep
{
    /// <summary>The outer learning rate.</summary>
    public double LearningRate { get; init; } = 0.7;

    /// <summary>The decay of the mean change.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Steps weights and momentum, in place.</summary>
    /// <param name="weights">Those of the step before.</param>
    /// <param name="momentum">B; zeros at first.</param>
    /// <param name="change">What the inner steps took from the weights, on the mean.</param>
    /// <exception cref="ArgumentException">They are not of one length.</exception>
    public void Apply<T>(Span<T> weights, Span<T> momentum, ReadOnlySpan<T> change) where T : IFloatingPoint<T>
    {
        if (momentum.Length != weights.Length || change.Length != weights.Length)
            throw new ArgumentException($"OuterStep: {weights.Length} weights, {momentum.Length} of momentum, {change.Length} of change.");
        T rate = T.CreateChecked(LearningRate), decay = T.CreateChecked(Momentum);
        for (int i = 0; i < weights.Length; i++)
        {
            momentum[i] = decay * momentum[i] + change[i];
            weights[i] -= rate * (change[i] + decay * momentum[i]);
        }
    }
}
