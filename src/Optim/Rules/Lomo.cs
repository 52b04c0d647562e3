using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Stochastic gradient descent without any state, meant to run inside the backward sweep (Lv, Yang, Liu, Gao, Guo and Qiu, "Full parameter
/// fine-tuning for large language models with limited resources", 2023):
/// <code>
/// p = p - learningRate weightDecay p
/// p = p - learningRate min(max(g, -clipValue), clipValue)
/// </code>
/// </summary>
public sealed class Lomo : Rule
{
    private readonly double weightDecay;
    private readonly double? clipValue;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of learning rate.</param>
    /// <param name="clipValue">The largest magnitude of a gradient's element; null does not clip.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public Lomo(double weightDecay = 0, double? clipValue = null)
    {
        this.weightDecay = InRange(Name, nameof(weightDecay), weightDecay, 0, 1e6);
        this.clipValue = clipValue is { } limit ? InRange(Name, nameof(clipValue), limit, 1e-30, 1e30) : null;
    }

    /// <inheritdoc/>
    public override string Name => "Lomo";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings =>
        clipValue is { } limit ? [("weightDecay", weightDecay), ("clipValue", limit)] : [("weightDecay", weightDecay)];

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double decay = step.LearningRate * weightDecay;
        parameter.Value.Step(new DecayedStep((float)decay, (float)step.LearningRate, (float)(clipValue * step.ClipFactor ?? float.MaxValue)), gradient);
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => weightDecay == 0 ? this : new Lomo(0, clipValue);

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        "weightDecay" => new Lomo(value, clipValue),
        "clipValue" => new Lomo(weightDecay, value),
        _ => null,
    };
}

/// <summary>p = p - decay p - size min(max(g, -limit), limit).</summary>
/// <param name="decay">The share of p taken away.</param>
/// <param name="size">The factor of the gradient.</param>
/// <param name="limit">The largest magnitude of a gradient's element.</param>
public readonly struct DecayedStep(float decay, float size, float limit) : IUpdate<DecayedStep>
{
    /// <summary>The formula with hyper-parameters for checks.</summary>
    public static DecayedStep Sample => new(0.01f, 0.1f, 2f);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V> =>
        p = V.Fma(V.Of(-decay), p, p) - V.Of(size) * V.Min(V.Max(g, V.Of(-limit)), V.Of(limit));
}
