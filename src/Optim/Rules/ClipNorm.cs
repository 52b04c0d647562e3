namespace Mayfly;

/// <summary>
/// Limits the L2 norm of one parameter's gradient, for a <see cref="Chain"/>:
/// <code>g = g min(1, limit / (|g| + 1e-6))</code>
/// The norm of all parameters together is limited by <see cref="UpdaterOptions.MaxNorm"/>.
/// </summary>
/// <param name="limit">The largest norm.</param>
/// <exception cref="ArgumentOutOfRangeException">The limit is not positive.</exception>
public sealed class ClipNorm(double limit) : Rule
{
    private readonly double limit = InRange("ClipNorm", nameof(limit), limit, 1e-30, 1e30);

    /// <inheritdoc/>
    public override string Name => "ClipNorm";

    /// <inheritdoc/>
    public override IEnumerable<(string Key, double Value)> Settings => [("limit", limit)];

    /// <inheritdoc/>
    protected override Rule? With(string key, double value) => key == nameof(limit) ? new ClipNorm(value) : null;

    /// <inheritdoc/>
    public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
    {
        double factor = Factor(limit, Math.Sqrt(gradient.SumSquares()));
        if (factor < 1) gradient.MapInPlace(new Affine((float)factor, -0f));
    }

    /// <summary>What a gradient of the given norm is multiplied by; PyTorch's clip_grad_norm_.</summary>
    internal static double Factor(double limit, double norm) => Math.Min(1, limit / (norm + 1e-6));
}
