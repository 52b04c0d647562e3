namespace Mayfly;

public sealed partial class Apollo
{
    /// <summary>One factor per tensor at rank 1: the smallest state, two vectors and three numbers per matrix.</summary>
    public static Apollo Mini(double weightDecay = 0.01) =>
        new(new ApolloOptions { Rank = ApolloRank.Fixed(1), Scope = ApolloScope.Tensor, WeightDecay = weightDecay });

    /// <summary>
    /// What the authors' code computes. After one gradient of zero its limiter keeps updates near 1e-10 for about 2000 steps; choose another
    /// <see cref="NormGrowthLimit.Restart"/> where that can happen.
    /// </summary>
    /// <param name="rank">The rank; 1 with <see cref="ApolloScope.Tensor"/> is their APOLLO-Mini.</param>
    /// <param name="scope">What one factor scales.</param>
    /// <param name="scale">The square of alpha: 1 for APOLLO, 128 for APOLLO-Mini in their recipes.</param>
    /// <param name="refresh">Steps between projections.</param>
    /// <param name="scaleFront">True: alpha before the limiter.</param>
    /// <param name="limit">False: no limiter.</param>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of learning rate.</param>
    public static Apollo Official(
        long rank = 256, ApolloScope scope = ApolloScope.Channel, double scale = 1, long refresh = 200, bool scaleFront = false, bool limit = true,
        double weightDecay = 0) => new(new ApolloOptions
        {
            Rank = ApolloRank.Fixed(rank),
            Scope = scope,
            Alpha = Math.Sqrt(scale),
            Refresh = refresh,
            Epsilon = 1e-6,
            BiasCorrection = ApolloBiasCorrection.StepSize,
            Limiter = limit ? new NormGrowthLimit { Form = NormGrowthForm.Fira, LowerBound = 0, Restart = NormGrowthRestart.Never } : null,
            LimitBeforeAlpha = !scaleFront,
            WeightDecay = weightDecay,
            Decay = ApolloDecay.After,
            Fit = ApolloFit.AllMatrices,
            StoreProjection = true,
        });

    /// <summary>
    /// What a published stand-alone Python port computes. Its unit rows and its alpha both make up for the projection, so that its steps are larger
    /// than AdamW's by sqrt(shorter axis / rank); and one gradient of zero stops a parameter for good. All matrices are projected.
    /// </summary>
    /// <param name="rank">The rank; 1 takes one factor per tensor.</param>
    /// <param name="alpha">Times the scaled gradient; null is sqrt(shorter axis / rank).</param>
    /// <param name="refresh">Steps between projections.</param>
    /// <param name="gamma">The limiter's growth per step; null for no limiter.</param>
    /// <param name="warmUpSteps">Steps of linear warm-up.</param>
    /// <param name="weightDecay">The share of the weight taken away per step and unit of learning rate.</param>
    public static Apollo PythonPort(
        long rank = 256, double? alpha = null, long refresh = 200, double? gamma = 1.01, long warmUpSteps = 0, double weightDecay = 0) => new(new ApolloOptions
        {
            Rank = ApolloRank.Fixed(rank),
            Scope = rank == 1 ? ApolloScope.Tensor : ApolloScope.Channel,
            Alpha = alpha,
            Refresh = refresh,
            RefreshPhase = ApolloRefreshPhase.Multiples,
            Projection = ApolloProjection.UnitRows,
            Side = ApolloSide.AutoSquareLeft,
            Limiter = gamma is { } growth
                ? new NormGrowthLimit { Gamma = growth, Form = NormGrowthForm.Product, LowerBound = 0, Restart = NormGrowthRestart.Never }
                : null,
            WarmUpSteps = warmUpSteps,
            WeightDecay = weightDecay,
            Decay = ApolloDecay.After,
            Fit = ApolloFit.RankFits,
            Roles = Enum.GetValues<Role>(),
            StoreProjection = true,
        });

    /// <summary>
    /// What the rule proposed for Optimisers.jl computes: no alpha, no limiter, weight decay without the learning rate. All matrices are projected.
    /// </summary>
    /// <param name="rank">The rank, at most the longer axis; null is the root of the longer axis.</param>
    /// <param name="refresh">Steps between projections.</param>
    /// <param name="weightDecay">The share of the weight taken away per step.</param>
    /// <param name="sortDims">False: the first axis is projected even where it is the longer one.</param>
    public static Apollo Julia(long? rank = null, long refresh = 100, double weightDecay = 0, bool sortDims = true) => new(new ApolloOptions
    {
        Rank = rank is { } r ? ApolloRank.AtMost(r) : ApolloRank.Sqrt,
        Alpha = 1,
        Refresh = refresh,
        RefreshPhase = ApolloRefreshPhase.Multiples,
        Side = sortDims ? ApolloSide.AutoSquareLeft : ApolloSide.Left,
        Limiter = null,
        WeightDecay = weightDecay,
        Decay = ApolloDecay.WithoutLearningRate,
        Fit = ApolloFit.AllMatrices,
        Roles = Enum.GetValues<Role>(),
        StoreProjection = true,
    });
}
