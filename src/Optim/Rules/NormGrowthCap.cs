namespace Mayfly;

/// <summary>
/// Limits how fast the norm of one parameter's gradient grows, for a <see cref="Chain"/>. See <see cref="NormGrowthLimit"/>; the defaults are those of
/// the rule of this name proposed for Optimisers.jl. State: one number, the last norm.
/// </summary>
public sealed class NormGrowthCap : Rule
{
    private readonly NormGrowthLimit limit;
    private readonly bool throwOnNonFinite;

    /// <summary>Sets the limit.</summary>
    /// <param name="limit">The limit; null takes the defaults.</param>
    /// <param name="throwOnNonFinite">True: a gradient with an infinity or NaN stops the step; false: it passes, and the last norm stays.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value outside its range.</exception>
    public NormGrowthCap(NormGrowthLimit? limit = null, bool throwOnNonFinite = true)
    {
        this.limit = limit ?? new NormGrowthLimit();
        this.limit.Check(Name);
        this.throwOnNonFinite = throwOnNonFinite;
    }

    /// <inheritdoc/>
    public override string Name => "NormGrowthCap";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings => [("gamma", limit.Gamma), ("lowerBound", limit.LowerBound)];

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state) => state.AddNumber("norm", NormGrowthLimit.NoHistory);

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">The gradient has an infinity or NaN, and the rule was asked to say so.</exception>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double norm = Math.Sqrt(gradient.SumSquares());
        if (!double.IsFinite(norm))
        {
            if (throwOnNonFinite) throw new NonFiniteException($"Step {step.Step}: NormGrowthCap: the gradient of {parameter} has the norm {norm}.");
            return;
        }

        double factor = limit.Factor(norm, gradient.Count, ref state.Number("norm"));
        if (factor < 1) gradient.MapInPlace(new Affine((float)factor, -0f));
    }

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key switch
    {
        "gamma" => new NormGrowthCap(limit with { Gamma = value }, throwOnNonFinite),
        "lowerBound" => new NormGrowthCap(limit with { LowerBound = value }, throwOnNonFinite),
        _ => null,
    };
}
