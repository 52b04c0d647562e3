namespace Mayfly;

/// <summary>What one factor of <see cref="Apollo"/> scales.</summary>
public enum ApolloScope
{
    /// <summary>A channel: an index of the axis that is not projected.</summary>
    Channel,

    /// <summary>The whole tensor.</summary>
    Tensor,
}

/// <summary>The axis that <see cref="Apollo"/> projects.</summary>
public enum ApolloSide
{
    /// <summary>The shorter one; of a square matrix the second, so that rows are channels.</summary>
    Auto,

    /// <summary>The shorter one; of a square matrix the first, so that columns are channels.</summary>
    AutoSquareLeft,

    /// <summary>The first: R = P G, columns are channels.</summary>
    Left,

    /// <summary>The second: R = G P^T, rows are channels.</summary>
    Right,
}

/// <summary>How the rows of the projection are drawn.</summary>
public enum ApolloProjection
{
    /// <summary>Each element is normal with variance 1 / rank.</summary>
    Gaussian,

    /// <summary>Each row is normalised to unit length. Its factors are larger by sqrt(small / rank): do not scale by that as well.</summary>
    UnitRows,

    /// <summary>
    /// The gradient's first singular vectors at each refresh, kept in the state; where the gradient is zero, normal numbers. Of the shorter axis only,
    /// of a square matrix the second.
    /// </summary>
    Svd,
}

/// <summary>The steps at which a new projection is drawn, counted from 1 and with T the interval.</summary>
public enum ApolloRefreshPhase
{
    /// <summary>1, T + 1, 2T + 1, ...</summary>
    FromFirstStep,

    /// <summary>1, T, 2T, ...: the first interval is one step short.</summary>
    Multiples,
}

/// <summary>Where Adam's bias correction stands.</summary>
public enum ApolloBiasCorrection
{
    /// <summary>In m and v, so that the limiter sees the update's true size.</summary>
    Moments,

    /// <summary>In the step size; epsilon then meets the uncorrected root.</summary>
    StepSize,
}

/// <summary>How weight decay is applied.</summary>
public enum ApolloDecay
{
    /// <summary>p = p - learningRate weightDecay p before the step, as AdamW does.</summary>
    Before,

    /// <summary>The same after the step, on the moved weight.</summary>
    After,

    /// <summary>weightDecay p without the learning rate, before the step. The AdamW that steps vectors keeps the learning rate.</summary>
    WithoutLearningRate,
}

/// <summary>Which matrices are projected; others are stepped by AdamW.</summary>
public enum ApolloFit
{
    /// <summary>Those of which the projected state is smaller: rank below the projected axis.</summary>
    SmallerState,

    /// <summary>Those whose projected axis is at least the rank.</summary>
    RankFits,

    /// <summary>All of two or more axes.</summary>
    AllMatrices,
}

/// <summary>The rank of the projection as a function of the matrix.</summary>
/// <param name="Text">Its name in tables.</param>
/// <param name="Of">The rank for the shorter and the longer axis; at least 1.</param>
public sealed record ApolloRank(string Text, Func<long, long, long> Of)
{
    /// <summary>A quarter of the shorter axis, at most 256.</summary>
    public static ApolloRank Quarter { get; } = new("quarter", (small, _) => Math.Clamp(small / 4, 1, 256));

    /// <summary>The square root of the longer axis, rounded up.</summary>
    public static ApolloRank Sqrt { get; } = new("sqrt", (_, large) => (long)Math.Ceiling(Math.Sqrt(large)));

    /// <summary>The same number for each matrix.</summary>
    public static ApolloRank Fixed(long rank) => new($"{rank}", (_, _) => rank);

    /// <summary>A number, but at most the longer axis.</summary>
    public static ApolloRank AtMost(long rank) => new($"{rank}", (_, large) => Math.Min(rank, large));

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>The settings of <see cref="Apollo"/>.</summary>
public sealed record ApolloOptions
{
    /// <summary>The rank of the projection.</summary>
    public ApolloRank Rank { get; init; } = ApolloRank.Quarter;

    /// <summary>What one factor scales.</summary>
    public ApolloScope Scope { get; init; } = ApolloScope.Channel;

    /// <summary>Times the scaled gradient. Null: sqrt(projected axis / rank), with which AdamW's learning rate carries over.</summary>
    public double? Alpha { get; init; }

    /// <summary>Steps between projections; 0 keeps the first.</summary>
    public long Refresh { get; init; } = 200;

    /// <summary>At which steps they fall.</summary>
    public ApolloRefreshPhase RefreshPhase { get; init; }

    /// <summary>How the projection is drawn.</summary>
    public ApolloProjection Projection { get; init; }

    /// <summary>True: the projection is kept in the state; false: it is drawn again at each step.</summary>
    public bool StoreProjection { get; init; }

    /// <summary>True where the projection is part of the state.</summary>
    internal bool KeepsProjection => StoreProjection || Projection == ApolloProjection.Svd;

    /// <summary>Which axis is projected.</summary>
    public ApolloSide Side { get; init; }

    /// <summary>The decay of m, per step.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of v, per step.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of v.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Added to the norm by which a factor is divided.</summary>
    public double RatioEpsilon { get; init; } = 1e-8;

    /// <summary>Where the bias correction stands.</summary>
    public ApolloBiasCorrection BiasCorrection { get; init; }

    /// <summary>Limits the growth of the scaled gradient's norm; null does not.</summary>
    public NormGrowthLimit? Limiter { get; init; } = new();

    /// <summary>
    /// True: the limiter measures before alpha is applied. With a constant alpha this changes nothing but the sense of its epsilon and bound.
    /// </summary>
    public bool LimitBeforeAlpha { get; init; }

    /// <summary>The share of the weight taken away per step and unit of learning rate.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>How it is applied.</summary>
    public ApolloDecay Decay { get; init; }

    /// <summary>Which matrices are projected.</summary>
    public ApolloFit Fit { get; init; }

    /// <summary>The roles of the parameters that are projected; others are stepped by AdamW.</summary>
    public IReadOnlyList<Role> Roles { get; init; } = [Role.Hidden];

    /// <summary>The first steps of a parameter take t / WarmUpSteps of the learning rate; 0 for none. A schedule does the same for all rules.</summary>
    public long WarmUpSteps { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    internal void Check()
    {
        Rule.InRange("Apollo", nameof(Alpha), Alpha ?? 1, 1e-30, 1e30);
        Rule.InRange("Apollo", nameof(Refresh), Refresh, 0, uint.MaxValue);
        Rule.InRange("Apollo", nameof(Beta1), Beta1, 0, 0.999999);
        Rule.InRange("Apollo", nameof(Beta2), Beta2, 0, 0.999999);
        Rule.InRange("Apollo", nameof(Epsilon), Epsilon, 1e-30, 1);
        Rule.InRange("Apollo", nameof(RatioEpsilon), RatioEpsilon, 1e-30, 1);
        Rule.InRange("Apollo", nameof(WeightDecay), WeightDecay, 0, 1e6);
        Rule.InRange("Apollo", nameof(WarmUpSteps), WarmUpSteps, 0, 1e12);
        Limiter?.Check("Apollo");
    }
}
