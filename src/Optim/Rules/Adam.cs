using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Where Adam's bias correction stands.</summary>
public enum BiasCorrection
{
    /// <summary>In m and v; epsilon is added to the corrected root.</summary>
    Moments,

    /// <summary>In the step size; epsilon is added to the uncorrected root.</summary>
    StepSize,

    /// <summary>Nowhere: the moments count as they are.</summary>
    None,
}

/// <summary>How weight decay is applied.</summary>
public enum DecayForm
{
    /// <summary>p = p - learningRate weightDecay p before the step.</summary>
    Before,

    /// <summary>The same after the step, on the moved weight.</summary>
    After,

    /// <summary>weightDecay p without the learning rate, before the step.</summary>
    WithoutLearningRate,
}

/// <summary>
/// What AdamW has in common with the rules that keep its moments of a projected gradient: two moments and decoupled weight decay. State
/// here: m and v of the parameter's shape, and the number of steps.
/// </summary>
public abstract record Adam : Rule
{
    /// <summary>The decay of m, per step.</summary>
    public double Beta1 { get; init => field = In(0, 0.999999, value); } = 0.9;

    /// <summary>The decay of v, per step.</summary>
    public double Beta2 { get; init => field = In(0, 0.999999, value); } = 0.999;

    /// <summary>Added to the root of v.</summary>
    public double Epsilon { get; init => field = In(1e-30, 1, value); } = 1e-8;

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); } = 0.01;

    /// <summary>Where the bias correction stands.</summary>
    public BiasCorrection BiasCorrection { get; init; }

    /// <summary>How the weight decays.</summary>
    public DecayForm Decay { get; init; }

    /// <summary>
    /// The first steps of a parameter take t / WarmUpSteps of the learning rate; null for none. A schedule does the same for all rules.
    /// </summary>
    public long? WarmUpSteps { get; init => field = In(0, 1L << 40, value); }

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
        double t = ++state.Number("steps"), rate = WarmedUp(step.LearningRate, t);
        var (moment, root, epsilon) = Corrections(t);
        var (taken, kept) = DecayOf(rate);
        var update = new AdamWUpdate(Beta1, 1 - Beta1, Beta2, 1 - Beta2, epsilon, taken, rate / moment * kept, root);
        parameter.Value.Step(update, gradient, state.Tensor("m"), state.Tensor("v"));
    }

    /// <summary>AdamW with these settings, for parameters that are not projected; their decay takes the learning rate.</summary>
    private protected AdamW AsAdamW() => new()
    {
        Beta1 = Beta1, Beta2 = Beta2, Epsilon = Epsilon, WeightDecay = WeightDecay, BiasCorrection = BiasCorrection,
        WarmUpSteps = WarmUpSteps, Decay = Decay == DecayForm.WithoutLearningRate ? DecayForm.Before : Decay,
    };

    private protected double WarmedUp(double rate, double t) => WarmUpSteps is { } steps && t < steps ? rate * (t / steps) : rate;

    /// <summary>What m is divided by, and the root of v multiplied by before epsilon is added.</summary>
    private protected (double Moment, double Root, double Epsilon) Corrections(double t)
    {
        if (BiasCorrection == BiasCorrection.None) return (1, 1, Epsilon);
        double root = 1 / Math.Sqrt(1 - Math.Pow(Beta2, t));
        return (1 - Math.Pow(Beta1, t), root, Epsilon * (BiasCorrection == BiasCorrection.StepSize ? root : 1));
    }

    /// <summary>What is taken of the weight, and what a decay after the step leaves of the step.</summary>
    internal (double Taken, double StepKept) DecayOf(double rate)
    {
        double taken = Decay == DecayForm.WithoutLearningRate ? WeightDecay : rate * WeightDecay;
        return (taken, Decay == DecayForm.After ? 1 - taken : 1);
    }
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
public readonly struct AdamWUpdate(
    Hyper beta1, Hyper share1, Hyper beta2, Hyper share2, Hyper epsilon, Hyper decay, Hyper stepSize, Hyper rootFactor)
    : IUpdate<AdamWUpdate>
{
    private const float Largest = 1e18f;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        var x = Limited(g);
        s0 = V.Fma(V.Of(beta1), s0, V.Of(share1) * x);
        s1 = V.Fma(V.Of(beta2), s1, V.Of(share2) * x * x);
        var root = V.Fma(V.Of(rootFactor), V.Sqrt(s1), V.Of(epsilon));
        p = V.Fma(-V.Of(decay), p, p) - V.Of(stepSize) * s0 / root;
    }

    /// <summary>A gradient whose square a float holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Limited<V>(V g) where V : struct, ILane<V> => V.Min(V.Max(g, V.Of(-Largest)), V.Of(Largest));
}
