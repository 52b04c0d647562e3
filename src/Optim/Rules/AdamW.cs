using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), as PyTorch computes it:
/// <code>
/// p = p - learningRate weightDecay p
/// m = beta1 m + (1 - beta1) g
/// v = beta2 v + (1 - beta2) g^2
/// p = p - learningRate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// </code>
/// t counts the steps at which this parameter had a gradient. State: m and v, of the parameter's shape. A gradient's element beyond 1e18 counts as
/// 1e18, so that its square stays finite.
/// </summary>
public sealed class AdamW : Rule
{
    private readonly double beta1, beta2, epsilon, weightDecay;
    private readonly bool epsilonBeforeCorrection, decayAfter;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="beta1">The decay of m, per step.</param>
    /// <param name="beta2">The decay of v, per step.</param>
    /// <param name="epsilon">Added to the root, after bias correction.</param>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of learning rate.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public AdamW(double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0.01)
        : this(beta1, beta2, epsilon, weightDecay, epsilonBeforeCorrection: false, decayAfter: false)
    {
    }

    internal AdamW(double beta1, double beta2, double epsilon, double weightDecay, bool epsilonBeforeCorrection, bool decayAfter)
    {
        (this.epsilonBeforeCorrection, this.decayAfter) = (epsilonBeforeCorrection, decayAfter);
        this.beta1 = InRange(Name, nameof(beta1), beta1, 0, 0.999999);
        this.beta2 = InRange(Name, nameof(beta2), beta2, 0, 0.999999);
        this.epsilon = InRange(Name, nameof(epsilon), epsilon, 1e-30, 1);
        this.weightDecay = InRange(Name, nameof(weightDecay), weightDecay, 0, 1e6);
    }

    /// <summary>
    /// The form of Hugging Face's transformers, which the authors of GaLore and APOLLO use: epsilon is added to the root before bias correction, and the
    /// decay takes its share of the weight already stepped.
    /// </summary>
    /// <param name="beta1">The decay of m, per step.</param>
    /// <param name="beta2">The decay of v, per step.</param>
    /// <param name="epsilon">Added to the root, before bias correction.</param>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of learning rate.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public static AdamW HuggingFace(double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-6, double weightDecay = 0) =>
        new(beta1, beta2, epsilon, weightDecay, epsilonBeforeCorrection: true, decayAfter: true);

    /// <inheritdoc/>
    public override string Name => "AdamW";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings =>
        [("beta1", beta1), ("beta2", beta2), ("epsilon", epsilon), ("weightDecay", weightDecay)];

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        state.AddTensor("m", parameter.Shape);
        state.AddTensor("v", parameter.Shape);
        state.AddNumber("steps", 0);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double t = ++state.Number("steps");
        double root = 1 / Math.Sqrt(1 - Math.Pow(beta2, t)), decay = step.LearningRate * weightDecay;
        var update = new AdamWUpdate(
            (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)(epsilon * (epsilonBeforeCorrection ? root : 1)), (float)decay,
            (float)(step.LearningRate / (1 - Math.Pow(beta1, t)) * (decayAfter ? 1 - decay : 1)), (float)root);
        parameter.Value.Step(update, gradient, state.Tensor("m"), state.Tensor("v"));
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => weightDecay == 0 ? this : Changed(beta1, beta2, epsilon, 0);

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        nameof(beta1) => Changed(value, beta2, epsilon, weightDecay),
        nameof(beta2) => Changed(beta1, value, epsilon, weightDecay),
        nameof(epsilon) => Changed(beta1, beta2, value, weightDecay),
        nameof(weightDecay) => Changed(beta1, beta2, epsilon, value),
        _ => null,
    };

    private AdamW Changed(double beta1, double beta2, double epsilon, double weightDecay) =>
        new(beta1, beta2, epsilon, weightDecay, epsilonBeforeCorrection, decayAfter);
}

/// <summary>One element of <see cref="AdamW"/>: s0 is m, s1 is v.</summary>
/// <param name="beta1">The decay of m.</param>
/// <param name="share1">1 - beta1.</param>
/// <param name="beta2">The decay of v.</param>
/// <param name="share2">1 - beta2.</param>
/// <param name="epsilon">Added to the root.</param>
/// <param name="decay">learningRate weightDecay.</param>
/// <param name="stepSize">learningRate / (1 - beta1^t).</param>
/// <param name="rootFactor">1 / sqrt(1 - beta2^t).</param>
public readonly struct AdamWUpdate(float beta1, float share1, float beta2, float share2, float epsilon, float decay, float stepSize, float rootFactor)
    : IUpdate<AdamWUpdate>
{
    private const float Largest = 1e18f;

    /// <summary>The formula with hyper-parameters for checks.</summary>
    public static AdamWUpdate Sample => new(0.9f, 0.1f, 0.99f, 0.01f, 1e-8f, 1e-3f, 0.1f, 2f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var x = Limited(g);
        s0 = V.Fma(V.Of(beta1), s0, V.Of(share1) * x);
        s1 = V.Fma(V.Of(beta2), s1, V.Of(share2) * x * x);
        var root = V.Fma(V.Of(rootFactor), V.Sqrt(s1), V.Of(epsilon));
        p = V.Fma(V.Of(-decay), p, p) - V.Of(stepSize) * s0 / root;
    }

    /// <summary>A gradient whose square a float holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Limited<V>(V g) where V : struct, ILane<V> => V.Min(V.Max(g, V.Of(-Largest)), V.Of(Largest));
}
