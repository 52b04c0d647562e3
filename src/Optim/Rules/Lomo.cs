using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Stochastic gradient descent without any state, meant to run inside the backward sweep (Lv, Yang, Liu, Gao, Guo and Qiu, "Full parameter
/// fine-tuning for large language models with limited resources", 2023):
/// <code>
/// p = p - learningRate weightDecay p
/// p = p - learningRate min(max(g, -clipValue), clipValue)
/// </code>
/// Learning rate 0.1.
/// </summary>
public sealed record Lomo : Rule
{
    /// <summary>Sets the usual learning rate.</summary>
    public Lomo() => LearningRate = 0.1;

    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static Lomo Plain { get; } = new() { WeightDecay = 0.1 };

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); }

    /// <summary>The largest magnitude of a gradient's element; null does not clip.</summary>
    public double? ClipValue { get; init => field = In(1e-30, 1e30, value); }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double limit = ClipValue is { } value ? value * step.ClipFactor : float.MaxValue;
        parameter.Value.Step(new DecayedStep(step.LearningRate * WeightDecay, step.LearningRate, limit), gradient);
    }
}

/// <summary>p = p - decay p - size min(max(g, -limit), limit).</summary>
/// <param name="decay">The share of p taken away.</param>
/// <param name="size">The factor of the gradient.</param>
/// <param name="limit">The largest magnitude of a gradient's element.</param>
public readonly struct DecayedStep(Hyper decay, Hyper size, Hyper limit) : IUpdate<DecayedStep>, INumbered<DecayedStep>
{
    /// <inheritdoc/>
    public DecayedStep With(Hyper a, Hyper b) => new(a, b, limit);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> =>
        p = V.Fma(-V.Of(decay), p, p) - V.Of(size) * V.Min(V.Max(g, -V.Of(limit)), V.Of(limit));
}
