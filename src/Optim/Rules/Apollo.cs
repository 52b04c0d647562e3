namespace Mayfly;

/// <summary>
/// APOLLO (Zhu et al., "APOLLO: SGD-like memory, AdamW-level performance", 2024): AdamW's learning rates per channel or tensor, estimated
/// on a random projection of the gradient.
/// <code>
/// R = G P^T  (rank columns; P G where the first axis is shorter),   P normal with variance 1 / rank, new every <i>refresh</i> steps
/// m = beta1 m + (1 - beta1) R ;  v = beta2 v + (1 - beta2) R^2
/// N = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// f = |N| / (|R| + ratioEpsilon),   per channel or for the whole tensor
/// S = alpha f G, its norm growing by at most gamma per step
/// W = W - learningRate weightDecay W - learningRate S
/// </code>
/// State: m and v, of (channels, rank), and some numbers: steps, last norm, the seed and the parameter's index at its first step.
/// Vectors, matrices too small to gain and, unless asked for, parameters other than hidden ones are stepped by AdamW with the same
/// settings. In the moments a projected gradient's element beyond 1e18 counts as 1e18; its norm is that of R as it is. Learning rate 0.01.
/// </summary>
public sealed record Apollo : Adam
{
    /// <summary>Sets the usual learning rate.</summary>
    public Apollo() => LearningRate = 1e-2;

    /// <summary>One factor per tensor at rank 1: the smallest state, two vectors and some numbers per matrix.</summary>
    public static Apollo Mini { get; } = new() { Rank = 1, Scope = ApolloScope.Tensor };

    /// <summary>The plain form of <see cref="Recipes"/>, tuned for small language models.</summary>
    public static Apollo Plain { get; } = new() { WeightDecay = 0.1, Fallback = AdamW.Plain };

    /// <summary>The same of <see cref="Mini"/>.</summary>
    public static Apollo PlainMini { get; } = Mini with { WeightDecay = 0.1, Fallback = AdamW.Plain };

    /// <summary>
    /// What the authors' code computes; its <c>scale</c> is the square of alpha. After one gradient of zero its limiter keeps updates
    /// near 1e-10 for about 2000 steps; choose another <see cref="NormGrowthLimit.Restart"/> where that can happen.
    /// </summary>
    public static Apollo Official { get; } = new()
    {
        Rank = 256, Alpha = 1, Epsilon = 1e-6, BiasCorrection = BiasCorrection.StepSize, WeightDecay = 0, Decay = DecayForm.After,
        Limiter = new NormGrowthLimit { Form = NormGrowthForm.Fira, LowerBound = 0, Restart = NormGrowthRestart.Never },
        LimitBeforeAlpha = true, Fit = ApolloFit.AllMatrices, StoreProjection = true,
    };

    /// <summary>The authors' APOLLO-Mini: <see cref="Official"/> at rank 1 with one factor per tensor and scale 128.</summary>
    public static Apollo OfficialMini { get; } = Official with { Rank = 1, Scope = ApolloScope.Tensor, Alpha = Math.Sqrt(128) };

    /// <summary>
    /// What a published stand-alone Python port computes. Its unit rows and its alpha both make up for the projection, so that its steps
    /// are larger than AdamW's by sqrt(shorter axis / rank); and one gradient of zero stops a parameter for good. All matrices are
    /// projected. With rank 1 it takes <see cref="ApolloScope.Tensor"/>.
    /// </summary>
    public static Apollo PythonPort { get; } = new()
    {
        Rank = 256, RefreshPhase = ApolloRefreshPhase.Multiples, Projection = ApolloProjection.UnitRows, Side = ApolloSide.AutoSquareLeft,
        Limiter = new NormGrowthLimit { Form = NormGrowthForm.Product, LowerBound = 0, Restart = NormGrowthRestart.Never },
        WeightDecay = 0, Decay = DecayForm.After, Fit = ApolloFit.RankFits, HiddenOnly = false, StoreProjection = true,
    };

    /// <summary>
    /// What the rule proposed for Optimisers.jl computes: no alpha, no limiter, weight decay without the learning rate. All matrices are
    /// projected.
    /// </summary>
    public static Apollo Julia { get; } = new()
    {
        Rank = ApolloRank.Sqrt, Alpha = 1, Refresh = 100, RefreshPhase = ApolloRefreshPhase.Multiples, Side = ApolloSide.AutoSquareLeft,
        Limiter = null, WeightDecay = 0, Decay = DecayForm.WithoutLearningRate, Fit = ApolloFit.AllMatrices, HiddenOnly = false,
        StoreProjection = true,
    };

    /// <summary>The rank of the projection.</summary>
    public ApolloRank Rank { get; init; } = ApolloRank.Quarter;

    /// <summary>What one factor scales.</summary>
    public ApolloScope Scope { get; init; }

    /// <summary>Times the scaled gradient. Null: sqrt(projected axis / rank), with which AdamW's learning rate carries over.</summary>
    public double? Alpha { get; init => field = In(1e-30, 1e30, value); }

    /// <summary>Steps between projections; 0 keeps the first.</summary>
    public long Refresh { get; init => field = In(0, uint.MaxValue, value); } = 200;

    /// <summary>At which steps they fall.</summary>
    public ApolloRefreshPhase RefreshPhase { get; init; }

    /// <summary>How the projection is drawn.</summary>
    public ApolloProjection Projection { get; init; }

    /// <summary>True: the projection is kept in the state; false: it is drawn again at each step.</summary>
    public bool StoreProjection { get; init; }

    /// <summary>Which axis is projected.</summary>
    public ApolloSide Side { get; init; }

    /// <summary>Added to the norm by which a factor is divided.</summary>
    public double RatioEpsilon { get; init => field = In(1e-30, 1, value); } = 1e-8;

    /// <summary>Limits the growth of the scaled gradient's norm; null does not.</summary>
    public NormGrowthLimit? Limiter { get; init; } = new();

    /// <summary>
    /// True: the limiter measures before alpha is applied. With a constant alpha this changes nothing but the sense of its epsilon and
    /// bound.
    /// </summary>
    public bool LimitBeforeAlpha { get; init; }

    /// <summary>Which matrices are projected.</summary>
    public ApolloFit Fit { get; init; }

    /// <summary>True: only parameters of <see cref="Role.Hidden"/> are projected.</summary>
    public bool HiddenOnly { get; init; } = true;

    /// <inheritdoc/>
    public override string Name => Scope == ApolloScope.Tensor ? "Apollo-Mini" : "Apollo";

    /// <summary>
    /// The projection in place of the one drawn, rank rows of the projected axis: given the parameter and its step from 1.
    /// </summary>
    internal Func<Parameter, long, double[]>? Given { get; init; }

    /// <summary>True where the projection is part of the state.</summary>
    internal bool KeepsProjection => StoreProjection || Projection == ApolloProjection.Svd;

    /// <summary>AdamW with the same settings for a parameter that is not projected.</summary>
    public override (Rule Rule, double Scale) For(Parameter parameter) => (ApolloMatrix.Of(this, parameter) is null ? AsAdamW() : this, 1);

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        var matrix = Matrix(parameter);
        state.AddNumber("steps", 0);
        state.AddTensor("m", (matrix.Channels, matrix.Rank));
        state.AddTensor("v", (matrix.Channels, matrix.Rank));
        if (KeepsProjection) state.AddTensor("projection", (matrix.Rank, matrix.Inner));
        state.AddNumber("norm", NormGrowthLimit.NoHistory);
        state.AddNumber("seedLow", 0);
        state.AddNumber("seedHigh", 0);
        state.AddNumber("index", 0);
    }

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">The scaled gradient has an infinity or NaN; seen where a limiter measures it.</exception>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double t = ++state.Number("steps");
        new ApolloStep(this, Matrix(parameter), parameter, gradient, state, step).Run(WarmedUp(step.LearningRate, t), t);
    }

    /// <summary>What m and the root of v are multiplied by for the direction, and the learning rate for the step.</summary>
    internal (double Moment, double Root, double Step) Factors(double t)
    {
        if (BiasCorrection == BiasCorrection.None) return (1, 1, 1);
        double moment = 1 / (1 - Math.Pow(Beta1, t)), root = 1 / Math.Sqrt(1 - Math.Pow(Beta2, t));
        return BiasCorrection == BiasCorrection.Moments ? (moment, root, 1) : (1, 1, moment / root);
    }

    private ApolloMatrix Matrix(Parameter parameter) => ApolloMatrix.Of(this, parameter) ?? throw new ArgumentException(
        $"{Name}: {parameter} is not projected to rank {Rank}; step it by rule.For(parameter), as a route does, or choose another fit.");
}
