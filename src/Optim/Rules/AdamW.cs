namespace Mayfly;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), as PyTorch computes it:
/// <code>
/// p = p - learningRate weightDecay p
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// p = p - learningRate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// </code>
/// t counts the steps at which this parameter had a gradient. State: m and v, of the parameter's shape. A gradient's element beyond 1e18
/// counts as 1e18, so that its square stays finite.
/// </summary>
public sealed record AdamW : Adam
{
    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static AdamW Plain { get; } = new() { Beta2 = 0.99, WeightDecay = 0.1 };

    /// <summary>
    /// The form of Hugging Face's transformers, which the authors of GaLore and APOLLO use: epsilon is added to the root before bias
    /// correction, and the decay takes its share of the weight already stepped. Its <c>correct_bias=False</c> is
    /// <see cref="BiasCorrection.None"/>.
    /// </summary>
    public static AdamW HuggingFace { get; } = new()
    {
        Epsilon = 1e-6, WeightDecay = 0, BiasCorrection = BiasCorrection.StepSize, Decay = DecayForm.After,
    };
}
