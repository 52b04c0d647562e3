namespace Mayfly;

/// <summary>The settings of an <see cref="Updater"/>.</summary>
public sealed record UpdaterOptions
{
    /// <summary>The run's seed: random ops and rules draw from it.</summary>
    public ulong Seed { get; init; }

    /// <summary>The learning rate of each step; null takes the usual one, <see cref="Route.LearningRate"/>, in every step.</summary>
    public Schedule? Schedule { get; init; }

    /// <summary>Micro-batches per step, unless a step says otherwise.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>What is kept from one micro-batch to the next.</summary>
    public AccumulationMode Accumulation { get; init; }

    /// <summary>
    /// The largest L2 norm of all gradients together, or of each in <see cref="Mayfly.ClipMode.PerTensor"/>: they are multiplied by
    /// min(1, maxNorm / (norm + 1e-6)). Null does not clip.
    /// </summary>
    public double? MaxNorm { get; init; }

    /// <summary>
    /// Limits how fast the L2 norm of all gradients together grows from step to step, before <see cref="MaxNorm"/> is applied; null does
    /// not. In <see cref="Mayfly.ClipMode.Deferred"/> and <see cref="Mayfly.ClipMode.TwoPass"/> only, where that norm is known in time. One
    /// parameter's growth is limited by <see cref="NormGrowthCap"/>.
    /// </summary>
    public NormGrowthLimit? Growth { get; init; }

    /// <summary>
    /// Which norm <see cref="MaxNorm"/> limits, and when it is known. The default is exact and takes deferred parameters only.
    /// </summary>
    public ClipMode ClipMode { get; init; }

    /// <summary>
    /// The type in which rules keep their state's matrices: F32, which means the device's floating-point type, or BF16, which rules round
    /// to at random, as weights are. Vectors stay in the device's type.
    /// </summary>
    public DType StateType { get; init; }

    /// <summary>
    /// The type of the gradients of matrices that wait, for the end of the step or for more micro-batches: F32, which means the device's
    /// floating-point type, BF16 or F16. One that is stepped at once is rounded alike, so that all modes give the same bits. Rules see
    /// floats.
    /// </summary>
    public DType GradientType { get; init; }

    /// <summary>
    /// What the loss is multiplied by before the backward sweep, and gradients divided by before they are used: for gradients that wait in
    /// F16, in which small ones vanish.
    /// </summary>
    public double LossScale { get; init; } = 1;

    /// <summary>
    /// Finds the scale of the loss by trying, in place of <see cref="LossScale"/>; null does not. A step that overflows is left out, so no
    /// weight may move before all gradients are known: parameters are deferred, or <see cref="ClipMode"/> is
    /// <see cref="ClipMode.TwoPass"/>.
    /// </summary>
    public LossScaling? DynamicLossScale { get; init; }

    /// <summary>
    /// True: a weight of a type that is storage only has a master in the device's floating-point type, which the rule steps and from which
    /// the weight is rounded to nearest. The masters are state. False: the rule's result is rounded at random.
    /// </summary>
    public bool MasterWeights { get; init; }

    /// <summary>
    /// The loss and the norm of the gradients are read back, and checked for infinities and NaN, in every n-th step: in steps whose
    /// number is a multiple of it. Reading waits for the device, so that on a GPU a larger number lets the host run ahead; a fault is then
    /// found steps later, when weights have moved. With <see cref="MaxNorm"/> norms are read in every step all the same.
    /// </summary>
    public int ReadEvery { get; init; } = 1;

    /// <summary>
    /// True: the gradient of each micro-batch is found by itself and then added to the sum of those before, as it is on several ranks. One
    /// process that takes N micro-batches then gives the bits of N ranks that take one each. False: the backward sweep adds to the sum as
    /// it goes, which saves a gradient's memory at a time, and the pass over it.
    /// </summary>
    public bool SumsApart { get; init; }

    /// <summary>
    /// How the gradients of several processes become one; null: there is one process. The loss that each computes is its share of the
    /// step's: given the total of targets over all ranks, or, as a plain mean, one of as many as there are ranks.
    /// </summary>
    public IGradientExchange? Exchange { get; init; }
}
