namespace Mayfly;

/// <summary>
/// Adam's second moment kept as means of rows and columns (Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018),
/// in the two forms that are in use, <see cref="HuggingFace"/> and <see cref="Torch"/>:
/// <code>
/// beta2 = 1 - t^decayRate
/// row = beta2 row + (1 - beta2) mean over columns g^2
/// column = beta2 column + (1 - beta2) mean over rows g^2
/// u = g / sqrt(row column / mean(row))                 (vectors: v of all elements, u = g / sqrt(v))
/// u = size u / max(1, rms(u) / clipThreshold)
/// u = m = beta1 m + (1 - beta1) u                      (with a first moment)
/// p = p - decay p - u
/// </code>
/// The forms differ in the size, the decay and where epsilon1 stands. t counts the steps at which this parameter had a gradient. Of more than two
/// axes the last two are factored. State: row and column, or v; and m. Gradients beyond 1e15 count as 1e15, so that their squares stay finite.
/// </summary>
public sealed class Adafactor : Rule
{
    private readonly Form form;

    private Adafactor(Form form)
    {
        if (form.Beta1 is { } beta1) InRange(Name, "beta1", beta1, 0, 0.999999);
        InRange(Name, "weightDecay", form.WeightDecay, 0, 1e6);
        InRange(Name, "clipThreshold", form.ClipThreshold, 1e-6, 1e6);
        InRange(Name, "decayRate", form.DecayRate, -10, 0);
        if (form.Epsilon1 is { } epsilon1) InRange(Name, "epsilon1", epsilon1, form.IsTorch ? 1e-15 : 1e-30, 1);
        InRange(Name, "epsilon2", form.Epsilon2, 1e-30, 1e6);
        if (form.WarmupInit && !form.RelativeStep) throw new ArgumentException("Adafactor: warmupInit shapes the relative step; ask for relativeStep, too.");
        this.form = form;
    }

    private sealed record Form(
        bool IsTorch, bool RelativeStep, bool ScaleParameter, bool WarmupInit, double? Beta1, double WeightDecay, double ClipThreshold, double DecayRate,
        double? Epsilon1, double Epsilon2);

    /// <inheritdoc/>
    public override string Name => form is { IsTorch: true } ? "Adafactor-Torch" : "Adafactor";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings
    {
        get
        {
            if (!form.IsTorch)
            {
                yield return ("relativeStep", form.RelativeStep ? 1 : 0);
                yield return ("scaleParameter", form.ScaleParameter ? 1 : 0);
                yield return ("warmupInit", form.WarmupInit ? 1 : 0);
            }

            if (form.Beta1 is { } beta1) yield return ("beta1", beta1);
            yield return ("weightDecay", form.WeightDecay);
            yield return ("clipThreshold", form.ClipThreshold);
            yield return ("decayRate", form.DecayRate);
            if (form.Epsilon1 is { } epsilon1) yield return ("epsilon1", epsilon1);
            yield return ("epsilon2", form.Epsilon2);
        }
    }

    /// <summary>
    /// The form of Hugging Face's transformers:
    /// <code>
    /// rate = relativeStep ? min(warmupInit ? 1e-6 t : 1e-2, 1 / sqrt(t)) : learningRate
    /// size = scaleParameter ? rate max(epsilon2, rms(p)) : rate
    /// decay = size weightDecay
    /// </code>
    /// epsilon1 is added to the squares. A relative step takes the place of the learning rate: the schedule and the route's factor have no effect.
    /// </summary>
    /// <param name="relativeStep">The rate follows from the number of steps.</param>
    /// <param name="scaleParameter">The size is in proportion to the weights.</param>
    /// <param name="warmupInit">A relative step begins at 1e-6 and grows by 1e-6 each step.</param>
    /// <param name="beta1">The decay of the first moment; null keeps none.</param>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of size.</param>
    /// <param name="clipThreshold">The largest root mean square of u.</param>
    /// <param name="decayRate">The exponent of t in 1 - beta2.</param>
    /// <param name="epsilon1">Added to the squares.</param>
    /// <param name="epsilon2">The least scale of a step.</param>
    /// <exception cref="ArgumentException">A value outside its range, or a warm-up without a relative step.</exception>
    public static Adafactor HuggingFace(
        bool relativeStep = true, bool scaleParameter = true, bool warmupInit = false, double? beta1 = null, double weightDecay = 0,
        double clipThreshold = 1, double decayRate = -0.8, double epsilon1 = 1e-30, double epsilon2 = 1e-3) =>
        new(new Form(false, relativeStep, scaleParameter, warmupInit, beta1, weightDecay, clipThreshold, decayRate, epsilon1, epsilon2));

    /// <summary>
    /// The form of torch.optim:
    /// <code>
    /// size = min(learningRate, 1 / sqrt(t)) max(epsilon2, rms(p))
    /// decay = learningRate weightDecay
    /// </code>
    /// epsilon1 is the least mean(row) and the least root of row column / mean(row). PyTorch's learning rate is 1e-2.
    /// </summary>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of learning rate.</param>
    /// <param name="clipThreshold">The largest root mean square of u.</param>
    /// <param name="beta2Decay">The exponent of t in 1 - beta2.</param>
    /// <param name="epsilon1">Null takes the distance from 1 to the next number of the parameter's type.</param>
    /// <param name="epsilon2">The least scale of a step.</param>
    /// <exception cref="ArgumentException">A value outside its range.</exception>
    public static Adafactor Torch(
        double weightDecay = 0, double clipThreshold = 1, double beta2Decay = -0.8, double? epsilon1 = null, double epsilon2 = 1e-3) =>
        new(new Form(true, false, true, false, null, weightDecay, clipThreshold, beta2Decay, epsilon1, epsilon2));

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        SecondMoment.Init(parameter.Shape, state);
        if (form.Beta1 is not null) state.AddTensor("m", parameter.Shape);
        state.AddNumber("steps", 0);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double t = ++state.Number("steps");
        using var scope = gradient.Device.Scope(Name);
        double size = Rate(t, step.LearningRate) * (form.ScaleParameter ? Math.Max(form.Epsilon2, parameter.Value.Rms()) : 1);
        double decay = form.WeightDecay * (form.IsTorch ? step.LearningRate : size);
        var u = Moment(t, gradient.Type).Normalise(gradient, parameter.Shape, state);
        size /= Math.Max(1, u.Rms / form.ClipThreshold);
        if (form.Beta1 is { } beta1) StepByFirstMoment(parameter.Value, state.Tensor("m"), u, beta1, decay, size);
        else u.Step(parameter.Value, decay, size);
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => form.WeightDecay == 0 ? this : new Adafactor(form with { WeightDecay = 0 });

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        "relativeStep" when !form.IsTorch => new Adafactor(form with { RelativeStep = value != 0 }),
        "scaleParameter" when !form.IsTorch => new Adafactor(form with { ScaleParameter = value != 0 }),
        "warmupInit" when !form.IsTorch => new Adafactor(form with { WarmupInit = value != 0 }),
        "weightDecay" => new Adafactor(form with { WeightDecay = value }),
        "clipThreshold" => new Adafactor(form with { ClipThreshold = value }),
        "decayRate" => new Adafactor(form with { DecayRate = value }),
        "epsilon1" => new Adafactor(form with { Epsilon1 = value }),
        "epsilon2" => new Adafactor(form with { Epsilon2 = value }),
        "beta1" when form.Beta1 is not null => new Adafactor(form with { Beta1 = value }),
        _ => null,
    };

    private static void StepByFirstMoment(Tensor p, Tensor m, in NormalisedGradient u, double beta1, double decay, double size)
    {
        u.Step(m, 1 - beta1, -(1 - beta1) * size);
        p.Step(new DecayedStep((float)decay, 1f, float.MaxValue), m);
    }

    private double Rate(double t, double learningRate) => form switch
    {
        { IsTorch: true } => Math.Min(learningRate, 1 / Math.Sqrt(t)),
        { RelativeStep: true } => Math.Min(form.WarmupInit ? 1e-6 * t : 1e-2, 1 / Math.Sqrt(t)),
        _ => learningRate,
    };

    private SecondMoment Moment(double t, DType type)
    {
        double share = Math.Pow(t, form.DecayRate);
        if (!form.IsTorch) return new SecondMoment(share, form.Epsilon1!.Value);
        double floor = form.Epsilon1 ?? (type == DType.F64 ? Math.BitIncrement(1.0) - 1 : MathF.BitIncrement(1f) - 1);
        return new SecondMoment(share, 0) { MeanFloor = floor, RootFloor = floor };
    }
}
