namespace Mayfly;

/// <summary>Limits the norms of a step's gradients: finds the factor, applies it, and keeps what the next step needs of this one.</summary>
internal sealed class Clipping
{
    private const string PreviousNorm = "previousNorm", GrowthNorm = "growthNorm";
    private readonly UpdaterOptions options;
    private readonly Updater.Slot[] slots;
    private Number factor = 1;

    public Clipping(UpdaterOptions options, Updater.Slot[] slots, Device device)
    {
        (this.options, this.slots, State) = (options, slots, new RuleState(device));
        CheckOptions();
        if (Mode == ClipMode.Deferred) CheckAllDeferred();
        if (Mode == ClipMode.PreviousNorm) State.AddNumber(PreviousNorm, 0);
        if (options.Growth is not null) State.AddNumber(GrowthNorm, NormGrowthLimit.NoHistory);
        options.DynamicLossScale?.Init(State);
    }

    /// <summary>Null where nothing is limited.</summary>
    public ClipMode? Mode => options.MaxNorm is null && options.Growth is null ? null : options.ClipMode;

    /// <summary>The norms remembered between steps.</summary>
    public RuleState State { get; }

    /// <summary>True where a gradient of this step was scaled down.</summary>
    public bool HasClipped { get; private set; }

    /// <summary>True where weights would move before all gradients are known.</summary>
    public bool NeedsTwoPasses(int sweeps) =>
        sweeps == 1 && Mode == ClipMode.TwoPass && Array.Exists(slots, s => s.Mode == UpdateMode.Eager && s.Parameter.Trainable);

    public void StartStep()
    {
        HasClipped = false;
        factor = Mode == ClipMode.PreviousNorm ? KeptFactor() : 1;
    }

    /// <summary>
    /// Finds what all gradients are multiplied by, given the square of their norm, where it is known before one is applied: first its
    /// growth is limited, then the norm itself.
    /// </summary>
    public void FindFactor(Number squares)
    {
        if (Mode is not (ClipMode.Deferred or ClipMode.TwoPass)) return;
        factor = options.Growth is { } growth
            ? Backend.Compute(
                new GrowthAndNormLimited(new NormGrowth(growth, Count()), options.MaxNorm ?? double.PositiveInfinity), squares,
                kept: State.Kept(GrowthNorm))
            : Backend.Compute(new NormLimited(options.MaxNorm!.Value), squares);
    }

    /// <summary>Scales a measured gradient down, where it must be.</summary>
    /// <returns>What it was multiplied by, at most 1.</returns>
    public Number Apply(Updater.Slot slot)
    {
        var by = Mode == ClipMode.PerTensor
            ? Backend.Compute(new NormLimited(options.MaxNorm!.Value), slot.Squares ?? 0)
            : factor;
        if (by.IsKnown && by.Value >= 1) return 1;
        HasClipped |= by.IsKnown;
        slot.Gradient!.Shrink(by);
        return by;
    }

    /// <summary>Keeps the norm of a step that has succeeded, given its square, as far as its growth was allowed.</summary>
    public void EndStep(Number squares)
    {
        if (Mode == ClipMode.PreviousNorm) Backend.Compute(default(NormKept), squares, kept: State.Kept(PreviousNorm));
        if (options.Growth is { } growth)
            Backend.Compute(new GrowthKept(new NormGrowth(growth, Count())), squares, kept: State.Kept(GrowthNorm));
    }

    /// <summary>Finds out whether a device has scaled gradients down, of which the squares are read.</summary>
    public void Read()
    {
        if (Mode is null || !Backend.IsAsynchronous) return;
        HasClipped |= Mode == ClipMode.PerTensor
            ? Array.Exists(slots, s => ClipNorm.Factor(options.MaxNorm!.Value, Math.Sqrt(s.Known ?? 0)) < 1)
            : factor.Value < 1;
    }

    private Number KeptFactor() => Backend.Compute(new KeptNormLimited(options.MaxNorm!.Value), 0, kept: State.Kept(PreviousNorm));

    private Backend Backend => State.Device.Backend;

    /// <summary>The elements of all measured gradients.</summary>
    private long Count() => slots.Sum(s => s.Squares is null ? 0 : s.Parameter.Shape.Count);

    private void CheckOptions()
    {
        if (!Enum.IsDefined(options.ClipMode)) throw new ArgumentException($"Updater: there is no clip mode {options.ClipMode}.");
        if (options.MaxNorm is { } maxNorm && !(maxNorm > 0))
            throw new ArgumentException($"Updater: the largest norm {maxNorm} is not positive; leave MaxNorm null for no clipping.");
        if (options.Growth is not null && options.ClipMode is (ClipMode.PreviousNorm or ClipMode.PerTensor))
            throw new ArgumentException(
                $"Updater: the growth of the norm of all gradients is not known in ClipMode.{options.ClipMode}; "
                + "choose Deferred or TwoPass, or limit each parameter's by a Chain with NormGrowthCap.");
        if (Mode is null && options.ClipMode != ClipMode.Deferred)
            throw new ArgumentException(
                $"Updater: ClipMode.{options.ClipMode} without MaxNorm clips nothing; set MaxNorm, or leave ClipMode out.");
    }

    private void CheckAllDeferred()
    {
        var eager = slots.Where(s => s.Mode == UpdateMode.Eager).Select(s => s.Parameter.Name).ToArray();
        if (eager.Length == 0) return;
        throw new ArgumentException(
            "Updater: clipping by the global norm needs all gradients before the first weight moves, "
            + $"but {eager.Length} parameters are stepped eagerly ({eager[0]}{(eager.Length > 1 ? ", ..." : "")}). "
            + "Choose: ClipMode.TwoPass (exact, runs forward and backward twice), ClipMode.PreviousNorm (the norm of the step before), "
            + "ClipMode.PerTensor (each gradient by its own norm), or UpdateMode.Deferred for all parameters (exact, keeps all "
            + "gradients). Without MaxNorm, new Chain(new ClipNorm(limit), rule) or "
            + "new Chain(new ClipValue(limit), rule) clips each parameter's.");
    }
}
