namespace Mayfly;

/// <summary>
/// Limits each element of the gradient, for a <see cref="Chain"/>:
/// <code>g = min(max(g, -limit), limit)</code>
/// Where the updater has clipped a norm, by a factor found from gradients without this limit, the limit is multiplied by that factor:
/// elements are limited first, as in LOMO's code.
/// </summary>
public sealed record ClipValue : Rule
{
    /// <summary>Sets the limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
    public ClipValue(double limit) => Limit = limit;

    /// <summary>The largest magnitude.</summary>
    public double Limit { get; init => field = In(1e-30, 1e30, value); }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step) =>
        gradient.MapInPlace(new Clamp(-Limit * step.ClipFactor, Limit * step.ClipFactor));
}
