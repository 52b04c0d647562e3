namespace Mayfly;

/// <summary>
/// AdamW in the space of the gradient's first singular vectors (Zhao, Zhang, Chen, Wang, Anandkumar and Tian, "GaLore: memory-efficient
/// LLM training by gradient low-rank projection", 2024). The rows of P are the singular vectors of a gradient's smaller side:
/// <code>
/// R = P g                                   (at least as many rows as columns: g P^T)
/// m = beta1 m + (1 - beta1) R
/// v = beta2 v + (1 - beta2) R^2
/// N = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// p = p - learningRate weightDecay p
/// p = p - learningRate scale P^T N          (N P)
/// </code>
/// t counts the steps at which this parameter had a gradient. More than two axes count as a matrix (first axis, rest). State: P, and m
/// and v of R's shape. Work space: R; at a refresh a copy of the gradient and its decomposition in host memory. A gradient of zeros has
/// no singular vectors: the refresh then waits for the next gradient. Other parameters are stepped by AdamW with the same settings.
/// Learning rate 0.01.
/// </summary>
public sealed record GaLore : Adam, IProjectingRule
{
    /// <summary>Of "refreshDue": the projection was found in the step at hand. 1: it is to be found, 0: it stays.</summary>
    private const double Found = 2;

    /// <summary>Sets the usual learning rate.</summary>
    public GaLore() => LearningRate = 1e-2;

    /// <summary>The authors' code: epsilon before bias correction, decay after the step, none by default.</summary>
    public static GaLore Official { get; } = new()
    {
        Epsilon = 1e-6, BiasCorrection = BiasCorrection.StepSize, WeightDecay = 0, Decay = DecayForm.After,
    };

    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static GaLore Plain { get; } = new() { Rank = 32, WeightDecay = 0.1, Fallback = AdamW.Plain };

    /// <summary>The rank of the projection. A matrix whose smaller side is not larger goes to AdamW, which then costs no more.</summary>
    public int Rank { get; init => field = In(1, int.MaxValue, value); } = 128;

    /// <summary>Steps from one projection to the next: it is made at steps 1, refresh + 1, 2 refresh + 1, ...; 0 keeps the first.</summary>
    public int Refresh { get; init => field = In(0, int.MaxValue, value); } = 200;

    /// <summary>The factor of the update.</summary>
    public double Scale { get; init => field = In(0, 1e6, value); } = 0.25;

    /// <summary>True: only parameters of <see cref="Role.Hidden"/> are projected.</summary>
    public bool HiddenOnly { get; init; } = true;

    /// <summary>Gives P (rank, smaller side) at a parameter's step from 1, or null where it stays; in place of the decomposition.</summary>
    internal Func<long, double[]?>? Projections { get; init; }

    /// <summary>AdamW with the same settings for a parameter that is not projected.</summary>
    public override (Rule Rule, double Scale) For(Parameter parameter) => (Projects(parameter) ? this : AsAdamW(), 1);

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        if (!Projects(parameter))
            throw new ArgumentException(
                $"GaLore: {parameter} is not projected to rank {Rank}; step it by rule.For(parameter), as a route does.");
        var shape = parameter.Shape.AsMatrix();
        state.AddTensor("projection", (Rank, Math.Min(shape[0], shape[1])));
        state.AddTensor("m", Projected(shape));
        state.AddTensor("v", Projected(shape));
        state.AddNumber("steps", 0);
        state.AddNumber("refreshDue", 1);
    }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        using var scope = gradient.Device.Scope(Name);
        var projected = Tensor.Empty(gradient.Device, ProjectedShape(parameter), gradient.Type, Use.Scratch, Name);
        Project(parameter, gradient, projected, state, isFirst: true);
        ApplyProjected(parameter, projected, state, step);
    }

    /// <inheritdoc/>
    public Shape ProjectedShape(Parameter parameter) => Projected(parameter.Shape.AsMatrix());

    /// <inheritdoc/>
    public void Project(Parameter parameter, Tensor gradient, Tensor sum, RuleState state, bool isFirst)
    {
        var shape = parameter.Shape.AsMatrix();
        var projection = state.Tensor("projection");
        FollowGradient(gradient, shape, projection, state, isFirst);
        Project(gradient.Read(Name).As(shape), projection.Read(Name), sum.Write(Name), gradient.Device.Backend, isFirst);
    }

    /// <inheritdoc/>
    public void ApplyProjected(Parameter parameter, Tensor sum, RuleState state, in StepInfo step)
    {
        double t = ++state.Number("steps");
        ref double due = ref state.Number("refreshDue");
        if (due == Found) due = 0;
        var (moment, root, epsilon) = Corrections(t);
        var update = new AdamDirection(Beta1, 1 - Beta1, Beta2, 1 - Beta2, epsilon, 1 / moment, root);
        sum.Step(update, sum, state.Tensor("m"), state.Tensor("v"));
        View projection = state.Tensor("projection").Read(Name), weight = parameter.Value.Write(Name).As(parameter.Shape.AsMatrix());
        Return(sum.Read(Name), projection, weight, WarmedUp(step.LearningRate, t), sum.Device.Backend);
    }

    private bool Projects(Parameter parameter)
    {
        if (parameter.Shape.Rank < 2 || HiddenOnly && parameter.Role != Role.Hidden) return false;
        var shape = parameter.Shape.AsMatrix();
        return Math.Min(shape[0], shape[1]) > Rank;
    }

    private static bool IsRight(Shape shape) => shape[0] >= shape[1];

    private Shape Projected(Shape shape) => IsRight(shape) ? (shape[0], Rank) : (Rank, shape[1]);

    /// <summary>
    /// Finds the projection where one is due: that of the step's first gradient which is not zero, to which those before it, being zeros,
    /// added nothing. A step that is abandoned finds it again.
    /// </summary>
    private void FollowGradient(Tensor gradient, Shape shape, Tensor projection, RuleState state, bool isFirst)
    {
        double t = state.Number("steps") + 1;
        ref double due = ref state.Number("refreshDue");
        if (isFirst && (due == Found || t > 1 && Refresh > 0 && (t - 1) % Refresh == 0)) due = 1;
        if (Projections is { } given)
        {
            if (isFirst && given((long)t) is { } rows) projection.CopyFrom<double>(rows);
            return;
        }

        if (due != 1 || SingularVectors.OfSmallerSide(gradient, shape, Rank, projection) is not { } vectors) return;
        projection.CopyFrom<float>(vectors);
        due = Found;
    }

    private static void Project(View gradient, View projection, View sum, Backend backend, bool isFirst) => backend.Run(
        IsRight(gradient.Shape)
            ? new Gemm<Identity> { A = gradient, B = Transposed(projection), C = sum, Beta = isFirst ? 0 : 1 }
            : new Gemm<Identity> { A = projection, B = gradient, C = sum, Beta = isFirst ? 0 : 1 });

    private void Return(View direction, View projection, View weight, double rate, Backend backend)
    {
        var (taken, kept) = DecayOf(rate);
        double size = rate * Scale * kept;
        backend.Run(IsRight(weight.Shape)
            ? new Gemm<Identity> { A = direction, B = projection, C = weight, Alpha = -size, Beta = 1 - taken }
            : new Gemm<Identity> { A = Transposed(projection), B = direction, C = weight, Alpha = -size, Beta = 1 - taken });
    }

    private static View Transposed(View x) => x.With(x.Layout.Transpose(0, 1));
}
