namespace Mayfly;

/// <summary>
/// Limits how fast the norm of one parameter's gradient grows, for a <see cref="Chain"/>. See <see cref="NormGrowthLimit"/>; the defaults
/// are those of the rule of this name proposed for Optimisers.jl. State: one number, the last norm.
/// </summary>
public sealed record NormGrowthCap : Rule
{
    /// <summary>The limit.</summary>
    public NormGrowthLimit Limit { get; init; } = new();

    /// <summary>True: a gradient with an infinity or NaN stops the step; false: it passes, and the last norm stays.</summary>
    public bool ThrowOnNonFinite { get; init; } = true;

    /// <inheritdoc/>
    public override void Init(Parameter parameter, RuleState state) => state.AddNumber("norm", NormGrowthLimit.NoHistory);

    /// <inheritdoc/>
    /// <exception cref="NonFiniteException">The gradient has an infinity or NaN, and the rule was asked to say so.</exception>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        var squares = gradient.Squares();
        if (squares.IsKnown && !double.IsFinite(squares.Value))
        {
            if (!ThrowOnNonFinite) return;
            throw new NonFiniteException(
                $"Step {step.Step}: NormGrowthCap: the gradient of {parameter} has the norm {Math.Sqrt(squares.Value)}.");
        }

        var formula = new GrowthLimited(new NormGrowth(Limit, gradient.Count), scale: 1, passes: !ThrowOnNonFinite);
        string? fault = ThrowOnNonFinite ? $"NormGrowthCap: the gradient of {parameter} has an infinity or NaN" : null;
        gradient.Shrink(gradient.Device.Backend.Compute(formula, 1, squares, state.Kept("norm"), fault));
    }
}
