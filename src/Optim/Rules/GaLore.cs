namespace Mayfly;

/// <summary>
/// AdamW in the space of the gradient's first singular vectors (Zhao, Zhang, Chen, Wang, Anandkumar and Tian, "GaLore: memory-efficient LLM training
/// by gradient low-rank projection", 2024). The rows of P are the singular vectors of a gradient's smaller side:
/// <code>
/// R = P g                                   (at least as many rows as columns: g P^T)
/// m = beta1 m + (1 - beta1) R
/// v = beta2 v + (1 - beta2) R^2
/// N = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// p = p - learningRate weightDecay p
/// p = p - learningRate scale P^T N          (N P)
/// </code>
/// t counts the steps at which this parameter had a gradient. More than two axes count as a matrix (first axis, rest). State: P, and m and v of R's
/// shape. Work space: R; at a refresh a copy of the gradient and its decomposition in host memory. A gradient of zeros has no singular vectors: the
/// refresh then waits for the next gradient.
/// </summary>
public sealed class GaLore : Rule
{
    private readonly AdamW fallback;

    /// <summary>Sets the hyper-parameters.</summary>
    /// <param name="options">Null takes the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public GaLore(GaLoreOptions? options = null)
    {
        Options = options ?? new GaLoreOptions();
        InRange(Name, "rank", Options.Rank, 1, int.MaxValue);
        InRange(Name, "refresh", Options.Refresh, 0, int.MaxValue);
        InRange(Name, "scale", Options.Scale, 0, 1e6);
        fallback = new AdamW(Options.Beta1, Options.Beta2, Options.Epsilon, Options.WeightDecay, Options.EpsilonBeforeCorrection, Options.DecayAfter);
    }

    /// <summary>The authors' code: epsilon before bias correction, decay after the step, none by default. Learning rate 0.01.</summary>
    public static GaLoreOptions Official { get; } = new() { Epsilon = 1e-6, EpsilonBeforeCorrection = true, WeightDecay = 0, DecayAfter = true };

    /// <summary>The hyper-parameters.</summary>
    public GaLoreOptions Options { get; }

    /// <inheritdoc/>
    public override string Name => "GaLore";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings =>
    [
        ("rank", Options.Rank), ("refresh", Options.Refresh), ("scale", Options.Scale), ("beta1", Options.Beta1), ("beta2", Options.Beta2),
        ("epsilon", Options.Epsilon), ("weightDecay", Options.WeightDecay),
    ];

    /// <summary>Gives P (rank, smaller side) at a parameter's step from 1, or null where it stays; in place of the decomposition.</summary>
    internal Func<long, float[]?>? Projections { get; init; }

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        if (!Projects(parameter))
        {
            fallback.Init(parameter, state);
            return;
        }

        var shape = parameter.Shape.AsMatrix();
        state.AddTensor("projection", (Options.Rank, Math.Min(shape[0], shape[1])));
        state.AddTensor("m", Projected(shape));
        state.AddTensor("v", Projected(shape));
        state.AddNumber("steps", 0);
        state.AddNumber("refreshDue", 1);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        if (!Projects(parameter))
        {
            fallback.Apply(parameter, gradient, state, step);
            return;
        }

        using var scope = gradient.Device.Scope(Name);
        var shape = parameter.Shape.AsMatrix();
        double t = ++state.Number("steps");
        var projection = state.Tensor("projection");
        Refresh(gradient, shape, projection, t, ref state.Number("refreshDue"));
        var projected = Tensor.Empty(gradient.Device, Projected(shape), gradient.Type, Use.Scratch, Name);
        Project(gradient.Read(Name).As(shape), projection.Read(Name), projected.Write(Name), gradient.Device.Backend);
        StepMoments(projected, state, t);
        Return(projected.Read(Name), projection.Read(Name), parameter.Value.Write(Name).As(shape), step.LearningRate, gradient.Device.Backend);
    }

    /// <inheritdoc/>
    public override bool Uses(string name, Parameter parameter) => Projects(parameter) ? Name == name : fallback.Uses(name, parameter);

    /// <inheritdoc/>
    public override Rule WithoutDecay() => new GaLore(Options with { WeightDecay = 0 }) { Projections = Projections };

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        "refresh" => Changed(Options with { Refresh = (int)value }),
        "scale" => Changed(Options with { Scale = value }),
        "beta1" => Changed(Options with { Beta1 = value }),
        "beta2" => Changed(Options with { Beta2 = value }),
        "epsilon" => Changed(Options with { Epsilon = value }),
        "weightDecay" => Changed(Options with { WeightDecay = value }),
        "rank" => throw new ArgumentException("GaLore: another rank needs another state; make a new updater."),
        _ => null,
    };

    private GaLore Changed(GaLoreOptions options) => new(options) { Projections = Projections };

    private bool Projects(Parameter parameter)
    {
        if (parameter.Shape.Rank < 2 || !Options.Roles.Contains(parameter.Role)) return false;
        var shape = parameter.Shape.AsMatrix();
        return Math.Min(shape[0], shape[1]) > Options.Rank;
    }

    private static bool IsRight(Shape shape) => shape[0] >= shape[1];

    private Shape Projected(Shape shape) => IsRight(shape) ? (shape[0], Options.Rank) : (Options.Rank, shape[1]);

    private void Refresh(Tensor gradient, Shape shape, Tensor projection, double t, ref double due)
    {
        if (t > 1 && Options.Refresh > 0 && (t - 1) % Options.Refresh == 0) due = 1;
        if (Projections is null && due == 0) return;
        var vectors = Projections is null ? SingularVectors.OfSmallerSide(gradient, shape, Options.Rank, projection) : Projections((long)t);
        if (vectors is null) return;
        projection.CopyFrom<float>(vectors);
        due = 0;
    }

    private static void Project(View gradient, View projection, View projected, Backend backend) => backend.Run(IsRight(gradient.Shape)
        ? new Gemm<Identity> { A = gradient, B = Transposed(projection), C = projected }
        : new Gemm<Identity> { A = projection, B = gradient, C = projected });

    /// <summary>Turns R into -N: AdamW's formula, given R in the place of the weight with all of it decaying.</summary>
    private void StepMoments(Tensor projected, RuleState state, double t)
    {
        var (beta1, beta2) = (Options.Beta1, Options.Beta2);
        double rootFactor = 1 / Math.Sqrt(1 - Math.Pow(beta2, t)), epsilon = Options.Epsilon * (Options.EpsilonBeforeCorrection ? rootFactor : 1);
        var update = new AdamWUpdate(
            (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2), (float)epsilon, 1f, (float)(1 / (1 - Math.Pow(beta1, t))), (float)rootFactor);
        projected.Step(update, projected, state.Tensor("m"), state.Tensor("v"));
    }

    private void Return(View update, View projection, View weight, double learningRate, Backend backend)
    {
        double kept = 1 - learningRate * Options.WeightDecay, size = learningRate * Options.Scale * (Options.DecayAfter ? kept : 1);
        backend.Run(IsRight(weight.Shape)
            ? new Gemm<Identity> { A = update, B = projection, C = weight, Alpha = (float)size, Beta = (float)kept }
            : new Gemm<Identity> { A = Transposed(projection), B = update, C = weight, Alpha = (float)size, Beta = (float)kept });
    }

    private static View Transposed(View x) => x.With(x.Layout.Transpose(0, 1));
}
