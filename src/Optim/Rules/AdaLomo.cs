namespace Mayfly;

/// <summary>
/// Steps of a size in proportion to the weights, with a factored second moment and no first one (Lv, Yan, Guo, Lv and Qiu, "AdaLomo: low-memory
/// optimization with adaptive learning rate", 2023):
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
/// t counts the steps at which this parameter had a gradient. More than two axes count as a matrix (first axis, rest). State: row and column, or v.
/// A matrix costs three reads of the gradient, two of the weight and one write, and no work space of its size; gradients beyond 1e15 count as 1e15,
/// so that their squares stay finite.
/// </summary>
public sealed class AdaLomo : Rule
{
    private readonly double weightDecay, clipThreshold, decayRate, epsilon1, epsilon2;
    private readonly double? clipValue;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of step size.</param>
    /// <param name="clipThreshold">The largest root mean square of u.</param>
    /// <param name="decayRate">The exponent of t in 1 - beta2.</param>
    /// <param name="epsilon1">Added to the squares.</param>
    /// <param name="epsilon2">The least scale of a step: what weights that are all zero start with.</param>
    /// <param name="clipValue">The largest magnitude of a gradient's element, applied first; null does not clip.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public AdaLomo(
        double weightDecay = 0, double clipThreshold = 1, double decayRate = -0.8, double epsilon1 = 1e-30, double epsilon2 = 1e-3, double? clipValue = null)
    {
        this.weightDecay = InRange(Name, nameof(weightDecay), weightDecay, 0, 1e6);
        this.clipThreshold = InRange(Name, nameof(clipThreshold), clipThreshold, 1e-6, 1e6);
        this.decayRate = InRange(Name, nameof(decayRate), decayRate, -10, 0);
        this.epsilon1 = InRange(Name, nameof(epsilon1), epsilon1, 1e-30, 1);
        this.epsilon2 = InRange(Name, nameof(epsilon2), epsilon2, 1e-30, 1e6);
        this.clipValue = clipValue is { } limit ? InRange(Name, nameof(clipValue), limit, 1e-30, SecondMoment.Largest) : null;
    }

    /// <inheritdoc/>
    public override string Name => "AdaLomo";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings
    {
        get
        {
            yield return ("weightDecay", weightDecay);
            yield return ("clipThreshold", clipThreshold);
            yield return ("decayRate", decayRate);
            yield return ("epsilon1", epsilon1);
            yield return ("epsilon2", epsilon2);
            if (clipValue is { } limit) yield return ("clipValue", limit);
        }
    }

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
        double size = step.LearningRate * Math.Max(epsilon2, parameter.Value.Rms());
        var moment = new SecondMoment(Math.Pow(t, decayRate), epsilon1) { Limit = clipValue * step.ClipFactor ?? SecondMoment.Largest };
        var u = moment.Normalise(gradient, parameter.Shape.AsMatrix(), state);
        u.Step(parameter.Value, size * weightDecay, size / Math.Max(1, u.Rms / clipThreshold));
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => weightDecay == 0 ? this : new AdaLomo(0, clipThreshold, decayRate, epsilon1, epsilon2, clipValue);

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        "weightDecay" => new AdaLomo(value, clipThreshold, decayRate, epsilon1, epsilon2, clipValue),
        "clipThreshold" => new AdaLomo(weightDecay, value, decayRate, epsilon1, epsilon2, clipValue),
        "decayRate" => new AdaLomo(weightDecay, clipThreshold, value, epsilon1, epsilon2, clipValue),
        "epsilon1" => new AdaLomo(weightDecay, clipThreshold, decayRate, value, epsilon2, clipValue),
        "epsilon2" => new AdaLomo(weightDecay, clipThreshold, decayRate, epsilon1, value, clipValue),
        "clipValue" => new AdaLomo(weightDecay, clipThreshold, decayRate, epsilon1, epsilon2, value),
        _ => null,
    };
}
