using System.Globalization;

namespace Mayfly;

/// <summary>
/// APOLLO (Zhu et al., "APOLLO: SGD-like memory, AdamW-level performance", 2024): AdamW's learning rates per channel or tensor, estimated on a random
/// projection of the gradient.
/// <code>
/// R = G P^T  (rank columns; P G where the first axis is shorter),   P normal with variance 1 / rank, new every <i>refresh</i> steps
/// m = beta1 m + (1 - beta1) R ;  v = beta2 v + (1 - beta2) R^2
/// N = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// f = |N| / (|R| + ratioEpsilon),   per channel or for the whole tensor
/// S = alpha f G, its norm growing by at most gamma per step
/// W = W - learningRate weightDecay W - learningRate S
/// </code>
/// State: m and v, of (channels, rank), and some numbers: steps, last norm, the seed and the parameter's index at its first step. Vectors, matrices too small to gain and parameters of other roles
/// are stepped by AdamW with the same settings. A projected gradient's element beyond 1e18 counts as 1e18.
/// </summary>
public sealed partial class Apollo : Rule
{
    /// <summary>Sets the options; null takes the defaults.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public Apollo(ApolloOptions? options = null)
    {
        Options = options ?? new ApolloOptions();
        Options.Check();
    }

    /// <summary>The settings.</summary>
    public ApolloOptions Options { get; }

    /// <inheritdoc/>
    public override string Name => Options.Scope == ApolloScope.Tensor ? "Apollo-Mini" : "Apollo";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings =>
    [
        ("refresh", Options.Refresh), ("beta1", Options.Beta1), ("beta2", Options.Beta2), ("epsilon", Options.Epsilon), ("weightDecay", Options.WeightDecay),
    ];

    /// <summary>The projection in place of the one drawn, rank rows of the projected axis: given the parameter and its step from 1.</summary>
    internal Func<Parameter, long, double[]>? Given { get; init; }

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state)
    {
        state.AddNumber("steps", 0);
        if (ApolloMatrix.Of(Options, parameter) is not { } matrix)
        {
            state.AddTensor("m", parameter.Shape);
            state.AddTensor("v", parameter.Shape);
            return;
        }

        state.AddTensor("m", (matrix.Channels, matrix.Rank));
        state.AddTensor("v", (matrix.Channels, matrix.Rank));
        if (Options.KeepsProjection) state.AddTensor("projection", (matrix.Rank, matrix.Inner));
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
        double rate = step.LearningRate * (t < Options.WarmUpSteps ? t / Options.WarmUpSteps : 1);
        if (ApolloMatrix.Of(Options, parameter) is { } matrix) new ApolloStep(this, matrix, parameter, gradient, state, step).Run(rate, t);
        else StepByAdam(parameter, gradient, state, rate, t);
    }

    /// <inheritdoc/>
    public override Rule WithoutDecay() => Options.WeightDecay == 0 ? this : new Apollo(Options with { WeightDecay = 0 }) { Given = Given };

    /// <summary>True for the name of this rule where it projects the parameter, and for AdamW where it does not.</summary>
    public override bool Uses(string name, Parameter parameter) => name == (ApolloMatrix.Of(Options, parameter) is null ? "AdamW" : Name);

    /// <summary>Name and settings.</summary>
    public override string ToString()
    {
        string alpha = Options.Alpha?.ToString("G6", CultureInfo.InvariantCulture) ?? "auto";
        return base.ToString().Replace("(refresh", $"(rank {Options.Rank}, alpha {alpha}, refresh", StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    protected override Rule? With(string key, double value)
    {
        var changed = key switch
        {
            "alpha" => Options with { Alpha = value },
            "beta1" => Options with { Beta1 = value },
            "beta2" => Options with { Beta2 = value },
            "epsilon" => Options with { Epsilon = value },
            "weightDecay" => Options with { WeightDecay = value },
            "gamma" when Options.Limiter is { } limiter => Options with { Limiter = limiter with { Gamma = value } },
            "rank" or "refresh" => throw new ArgumentException($"{Name}: the {key} cannot change during training: the moments belong to the projection."),
            _ => null,
        };
        return changed is null ? null : new Apollo(changed) { Given = Given };
    }

    /// <summary>What m and the root of v are multiplied by for the direction, and the learning rate for the step.</summary>
    internal (double Moment, double Root, double Step) Corrections(double t)
    {
        double moment = 1 / (1 - Math.Pow(Options.Beta1, t)), root = 1 / Math.Sqrt(1 - Math.Pow(Options.Beta2, t));
        return Options.BiasCorrection == ApolloBiasCorrection.Moments ? (moment, root, 1) : (1, 1, moment / root);
    }

    /// <summary>What is taken of the weight, and what a decay after the step leaves of the step.</summary>
    internal (double Taken, double StepKept) DecayOf(double rate, bool projected)
    {
        double taken = projected && Options.Decay == ApolloDecay.WithoutLearningRate ? Options.WeightDecay : rate * Options.WeightDecay;
        return (taken, Options.Decay == ApolloDecay.After ? 1 - taken : 1);
    }

    private void StepByAdam(Parameter parameter, Tensor gradient, RuleState state, double rate, double t)
    {
        var (moment, root, size) = Corrections(t);
        var (taken, kept) = DecayOf(rate, projected: false);
        var update = new AdamWUpdate(
            (float)Options.Beta1, (float)(1 - Options.Beta1), (float)Options.Beta2, (float)(1 - Options.Beta2), (float)Options.Epsilon, (float)taken,
            (float)(rate * size * moment * kept), (float)root);
        parameter.Value.Step(update, gradient, state.Tensor("m"), state.Tensor("v"));
    }
}
