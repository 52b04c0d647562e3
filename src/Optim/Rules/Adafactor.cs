namespace Mayfly;

/// <summary>The two forms of <see cref="Adafactor"/>.</summary>
public enum AdafactorForm
{
    /// <summary>
    /// Hugging Face's transformers; epsilon1 is added to the squares:
    /// <code>
    /// rate = relativeStep ? min(warmupInit ? 1e-6 t : 1e-2, 1 / sqrt(t)) : learningRate
    /// size = scaleParameter ? rate max(epsilon2, rms(p)) : rate
    /// decay = size weightDecay
    /// </code>
    /// A relative step takes the place of the learning rate: the schedule and the route's factor have no effect.
    /// </summary>
    HuggingFace,

    /// <summary>
    /// torch.optim; epsilon1 is the least mean(row) and the least root of row column / mean(row):
    /// <code>
    /// size = min(learningRate, 1 / sqrt(t)) max(epsilon2, rms(p))
    /// decay = learningRate weightDecay
    /// </code>
    /// </summary>
    Torch,
}

/// <summary>
/// Adam's second moment kept as means of rows and columns (Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory
/// cost", 2018), in the two forms that are in use, <see cref="HuggingFace"/>, the default, and <see cref="Torch"/>:
/// <code>
/// beta2 = 1 - t^decayRate
/// row = beta2 row + (1 - beta2) mean over columns g^2
/// column = beta2 column + (1 - beta2) mean over rows g^2
/// u = g / sqrt(row column / mean(row))                 (vectors: v of all elements, u = g / sqrt(v))
/// u = size u / max(1, rms(u) / clipThreshold)
/// u = m = beta1 m + (1 - beta1) u                      (with a first moment)
/// p = p - decay p - u
/// </code>
/// The forms differ in the size, the decay and where epsilon1 stands, see <see cref="AdafactorForm"/>. t counts the steps at which this
/// parameter had a gradient. Of more than two axes the last two are factored. State: row and column, or v; and m. Gradients beyond 1e15
/// count as 1e15, so that their squares stay finite.
/// </summary>
public sealed record Adafactor : Rule
{
    /// <summary>Sets the usual learning rate, 1e-2.</summary>
    public Adafactor() => LearningRate = 1e-2;

    /// <summary>The form of Hugging Face's transformers, with its relative step: no learning rate.</summary>
    public static Adafactor HuggingFace { get; } = new();

    /// <summary>The form of torch.optim. Learning rate 1e-2.</summary>
    public static Adafactor Torch { get; } = new() { Form = AdafactorForm.Torch, RelativeStep = false, Epsilon1 = null };

    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static Adafactor Plain { get; } = Torch with { WeightDecay = 0.1 };

    /// <summary>Which form.</summary>
    public AdafactorForm Form { get; init; }

    /// <summary>The rate follows from the number of steps; in Hugging Face's form.</summary>
    public bool RelativeStep { get; init; } = true;

    /// <summary>The size is in proportion to the weights.</summary>
    public bool ScaleParameter { get; init; } = true;

    /// <summary>A relative step begins at 1e-6 and grows by 1e-6 each step.</summary>
    public bool WarmupInit { get; init; }

    /// <summary>The decay of the first moment, in Hugging Face's form; null keeps none.</summary>
    public double? Beta1 { get; init => field = In(0, 0.999999, value); }

    /// <summary>The share of the weight taken away per step and unit of size, or of learning rate.</summary>
    public double WeightDecay { get; init => field = In(0, 1e6, value); }

    /// <summary>The largest root mean square of u.</summary>
    public double ClipThreshold { get; init => field = In(1e-6, 1e6, value); } = 1;

    /// <summary>The exponent of t in 1 - beta2.</summary>
    public double DecayRate { get; init => field = In(-10.0, 0, value); } = -0.8;

    /// <summary>
    /// Guards the roots; null takes the distance from 1 to the next number of the parameter's type. In PyTorch's form at least 1e-15.
    /// </summary>
    public double? Epsilon1 { get; init => field = In(1e-30, 1, value); } = 1e-30;

    /// <summary>The least scale of a step.</summary>
    public double Epsilon2 { get; init => field = In(1e-30, 1e6, value); } = 1e-3;

    /// <inheritdoc/>
    public override string Name => IsTorch ? "Adafactor-Torch" : "Adafactor";

    private bool IsTorch => Form == AdafactorForm.Torch;

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        CheckForm();
        SecondMoment.Init(parameter.Shape, state);
        if (Beta1 is not null) state.AddTensor("m", parameter.Shape);
        state.AddNumber("steps", 0);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double t = ++state.Number("steps");
        using var scope = gradient.Device.Scope(Name);
        var backend = gradient.Device.Backend;
        Number size = Rate(t, step.LearningRate);
        if (ScaleParameter) size = backend.Compute(new SizeOfWeights(size.Value, Epsilon2, gradient.Count), parameter.Value.Squares());
        var decay = (IsTorch ? step.LearningRate : size) * WeightDecay;
        var u = Moment(t, gradient.Type).Normalise(gradient, parameter.Shape, state);
        size = backend.Compute(new SizeForUpdate(ClipThreshold, gradient.Count), size, u.Squares);
        if (Beta1 is { } beta1) StepByFirstMoment(parameter.Value, state.Tensor("m"), u, beta1, decay, size);
        else u.Step(parameter.Value, decay, size);
    }

    private void CheckForm()
    {
        string? wrong = WarmupInit && !RelativeStep ? "warmupInit shapes the relative step; ask for relativeStep, too"
            : RelativeStep && IsTorch ? "relativeStep is of the form HuggingFace; leave it out"
            : Beta1 is not null && IsTorch ? "a first moment, beta1, is of the form HuggingFace; leave it out"
            : Epsilon1 < 1e-15 && IsTorch ? $"epsilon1 is {Epsilon1}; in this form it is at least 1e-15, or null"
            : null;
        if (wrong is not null) throw new ArgumentException($"{Name}: {wrong}.");
    }

    private static void StepByFirstMoment(Tensor p, Tensor m, in NormalisedGradient u, double beta1, Number decay, Number size)
    {
        u.Step(m, 1 - beta1, size * -(1 - beta1));
        p.Step(new DecayedStep(0, 1, float.MaxValue), decay, 1, m);
    }

    private double Rate(double t, double learningRate) =>
        IsTorch ? Math.Min(learningRate, 1 / Math.Sqrt(t))
        : RelativeStep ? Math.Min(WarmupInit ? 1e-6 * t : 1e-2, 1 / Math.Sqrt(t))
        : learningRate;

    private SecondMoment Moment(double t, DType type)
    {
        double share = Math.Pow(t, DecayRate), epsilon = Epsilon1 ?? type.MachineEpsilon();
        return IsTorch ? new SecondMoment(share, 0) { MeanFloor = epsilon, RootFloor = epsilon } : new SecondMoment(share, epsilon);
    }
}
