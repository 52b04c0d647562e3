namespace Mayfly;

/// <summary>
/// Limits the L2 norm of one parameter's gradient, for a <see cref="Chain"/>:
/// <code>g = g min(1, limit / (|g| + 1e-6))</code>
/// The norm of all parameters together is limited by <see cref="UpdaterOptions.MaxNorm"/>.
/// </summary>
public sealed record ClipNorm : Rule
{
    /// <summary>Sets the limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
    public ClipNorm(double limit) => Limit = limit;

    /// <summary>The largest norm.</summary>
    public double Limit { get; init => field = In(1e-30, 1e30, value); }

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step) =>
        gradient.Shrink(gradient.Device.Backend.Compute(new NormLimited(Limit), gradient.Squares()));

    /// <summary>What a gradient of the given norm is multiplied by; PyTorch's clip_grad_norm_.</summary>
    internal static double Factor(double limit, double norm) => Numbers.AtMost(1, limit / (norm + 1e-6));
}
