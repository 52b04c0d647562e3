namespace Mayfly;

/// <summary>
/// Steps of a size in proportion to the weights, with a factored second moment and no first one (Lv, Yan, Guo, Lv and Qiu, "AdaLomo:
/// low-memory optimization with adaptive learning rate", 2023):
/// <code>
/// beta2 = 1 - t^decayRate
/// row = beta2 row + (1 - beta2) mean over columns (g^2 + epsilon1)
/// column = beta2 column + (1 - beta2) mean over rows (g^2 + epsilon1)
/// u = g / sqrt(row column / mean(row))                 (vectors: v of all elements, u = g / sqrt(v))
/// u = u / max(1, rms(u) / clipThreshold)
/// size = learningRate max(epsilon2, rms(p))
/// p = p - size weightDecay p
/// p = p - size u
/// </code>
/// t counts the steps at which this parameter had a gradient. More than two axes count as a matrix (first axis, rest). State: row and
/// column, or v. A matrix costs three reads of the gradient, two of the weight and one write, and no work space of its size; gradients
/// beyond 1e15 count as 1e15, so that their squares stay finite.
/// </summary>
public sealed record AdaLomo : Rule
{
    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static AdaLomo Plain { get; } = new() { WeightDecay = 0.1, LearningRate = 0.02 };

    /// <summary>The share of the weight taken away per step and unit of step size.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); }

    /// <summary>The largest root mean square of u.</summary>
    public double ClipThreshold { get; init => field = In(1e-6, 1e6, value); } = 1;

    /// <summary>The exponent of t in 1 - beta2.</summary>
    public double DecayRate { get; init => field = In(-10.0, 0, value); } = -0.8;

    /// <summary>Added to the squares.</summary>
    public double Epsilon1 { get; init => field = In(1e-30, 1, value); } = 1e-30;

    /// <summary>The least scale of a step: what weights that are all zero start with.</summary>
    public double Epsilon2 { get; init => field = In(1e-30, 1e6, value); } = 1e-3;

    /// <summary>The largest magnitude of a gradient's element, applied first; null does not clip.</summary>
    public double? ClipValue { get; init => field = In(1e-30, SecondMoment.Largest, value); }

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        SecondMoment.Init(parameter.Shape.AsMatrix(), state);
        state.AddNumber("steps", 0);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double t = ++state.Number("steps");
        using var scope = gradient.Device.Scope(Name);
        var (backend, p) = (gradient.Device.Backend, parameter.Value);
        var size = backend.Compute(new SizeOfWeights(step.LearningRate, Epsilon2, p.Count), p.Squares());
        double limit = ClipValue is { } value ? value * step.ClipFactor : SecondMoment.Largest;
        var moment = new SecondMoment(Math.Pow(t, DecayRate), Epsilon1) { Limit = limit };
        var u = moment.Normalise(gradient, parameter.Shape.AsMatrix(), state);
        u.Step(p, size * WeightDecay, backend.Compute(new SizeForUpdate(ClipThreshold, gradient.Count), size, u.Squares));
    }
}
