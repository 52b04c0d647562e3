namespace Mayfly;

/// <summary>What one step did.</summary>
public sealed record StepReport
{
    /// <summary>The global step, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>
    /// The loss before the step, of all micro-batches together; NaN where it was not read (<see cref="UpdaterOptions.ReadEvery"/>) or the
    /// long form was used without the updater's Backward.
    /// </summary>
    public required double Loss { get; init; }

    /// <summary>The learning rate before the route's factors.</summary>
    public required double LearningRate { get; init; }

    /// <summary>
    /// The L2 norm of all gradients together, before clipping; NaN where it was not read (<see cref="UpdaterOptions.ReadEvery"/>).
    /// </summary>
    public required double GradientNorm { get; init; }

    /// <summary>True where <see cref="UpdaterOptions.MaxNorm"/> or <see cref="UpdaterOptions.Growth"/> scaled a gradient down.</summary>
    public required bool Clipped { get; init; }

    /// <summary>How gradients were limited; null where they were not.</summary>
    public ClipMode? Clip { get; init; }

    /// <summary>
    /// How often forward and backward ran over each micro-batch: 2 where <see cref="ClipMode.TwoPass"/> measured first and then ran them
    /// again; 1 where it stepped by gradients that were kept, as accumulation and deferred parameters do, and in all other modes.
    /// </summary>
    public int Passes { get; init; } = 1;

    /// <summary>What the loss was multiplied by for the backward sweep; 1 without scaling.</summary>
    public double LossScale { get; init; } = 1;

    /// <summary>
    /// True where a gradient was infinite or not a number and <see cref="UpdaterOptions.DynamicLossScale"/> left the step out: no weight
    /// and no state has changed.
    /// </summary>
    public bool Skipped { get; init; }

    /// <summary>The names of the trainable parameters that no gradient reached: neither they nor their state changed.</summary>
    public required IReadOnlyList<string> WithoutGradient { get; init; }

    /// <summary>The most bytes the arena held at one time since its peaks were reset.</summary>
    public required long PeakBytes { get; init; }
}

/// <summary>A loss or a gradient that is infinite or not a number.</summary>
public sealed class NonFiniteException(string message) : Exception(message);
