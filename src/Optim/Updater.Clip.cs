namespace Mayfly;

public sealed partial class Updater
{
    private const string PreviousNorm = "previousNorm", GrowthNorm = "growthNorm";
    private double globalFactor, measuredLoss, limitedNorm;
    private bool clipped;
    private Pass pass;

    /// <summary>What the sweep at hand is for.</summary>
    private enum Pass
    {
        /// <summary>It is the step's only one.</summary>
        Only,

        /// <summary>It measures gradients; no weight moves.</summary>
        Measure,

        /// <summary>It steps with gradients that were measured before.</summary>
        Apply,
    }

    /// <summary>
    /// What the updater remembers beside the rules' states: the number <c>previousNorm</c> in <see cref="ClipMode.PreviousNorm"/>, zero before
    /// the first step, and <c>growthNorm</c> with <see cref="UpdaterOptions.Growth"/>, below zero before it. Snapshots save and restore it.
    /// </summary>
    public RuleState State { get; }

    private bool Limits => options.MaxNorm is not null || options.Growth is not null;

    private bool Clips(ClipMode mode) => Limits && options.ClipMode == mode;

    private bool FiresInSweep(Slot slot) => slot.Mode == UpdateMode.Eager && (pass == Pass.Apply || !Clips(ClipMode.TwoPass));

    private bool NeedsTwoPasses(int sweeps) =>
        sweeps == 1 && Clips(ClipMode.TwoPass) && Array.Exists(slots, s => s.Mode == UpdateMode.Eager && s.Parameter.Trainable);

    private void StartClipping(int sweeps)
    {
        pass = NeedsTwoPasses(sweeps) ? Pass.Measure : Pass.Only;
        clipped = false;
        globalFactor = Clips(ClipMode.PreviousNorm) && State.Number(PreviousNorm) is > 0 and var norm ? ClipNorm.Factor(options.MaxNorm!.Value, norm) : 1;
    }

    /// <summary>Ends the measuring pass: the same step starts again, with the same random numbers, to be applied.</summary>
    private void TurnToSecondPass()
    {
        pass = Pass.Apply;
        globalFactor = GlobalFactor(Norm());
        (measuredLoss, loss, microBatch) = (loss, 0, 0);
    }

    /// <summary>Finds the factor where all gradients are there and none is applied.</summary>
    private void FindGlobalFactor(double norm)
    {
        if (Clips(ClipMode.Deferred) || (Clips(ClipMode.TwoPass) && pass == Pass.Only)) globalFactor = GlobalFactor(norm);
    }

    /// <summary>What all gradients are multiplied by: first their growth is limited, then their norm. The limited norm counts once the step is done.</summary>
    private double GlobalFactor(double norm)
    {
        double factor = 1;
        if (options.Growth is { } growth)
        {
            limitedNorm = State.Number(GrowthNorm);
            factor = growth.Factor(norm, slots.Sum(s => s.Squares is null ? 0 : s.Parameter.Shape.Count), ref limitedNorm);
        }

        return options.MaxNorm is { } limit ? factor * ClipNorm.Factor(limit, norm * factor) : factor;
    }

    private double FactorOf(Slot slot) =>
        Clips(ClipMode.PerTensor) ? ClipNorm.Factor(options.MaxNorm!.Value, Math.Sqrt(slot.Squares ?? 0)) : globalFactor;

    private double Clip(Slot slot)
    {
        double factor = FactorOf(slot);
        if (factor >= 1) return 1;
        clipped = true;
        slot.Gradient!.MapInPlace(new Affine(factor, -0.0));
        return factor;
    }

    private void RememberNorm(double norm)
    {
        if (Clips(ClipMode.PreviousNorm)) State.Number(PreviousNorm) = norm;
        if (options.Growth is not null) State.Number(GrowthNorm) = limitedNorm;
    }

    private void CheckSameLoss(double value)
    {
        if (pass != Pass.Apply || value == measuredLoss) return;
        throw new InvalidOperationException(
            $"Updater: in step {GlobalStep} the second pass of ClipMode.TwoPass found the loss {value:R} where the first had {measuredLoss:R}. The function given to Step "
            + "runs twice: draw the batch before Step, and let it do the same each time. No weight has moved.");
    }

    private void CheckMeasured(Slot slot)
    {
        if (pass != Pass.Apply || slot.Squares is not null) return;
        throw new InvalidOperationException(
            $"Updater: in step {GlobalStep} {slot.Parameter} got a gradient in the second pass of ClipMode.TwoPass and none in the first. "
            + "The function given to Step runs twice: let it do the same each time.");
    }

    private void CheckOnePass(int sweeps)
    {
        if (!NeedsTwoPasses(sweeps)) return;
        throw new InvalidOperationException(
            "Updater: ClipMode.TwoPass runs forward and backward twice, so it needs the loss as a function: call updater.Step(() => loss). Begin, Backward and End "
            + "work with it where the step has several micro-batches or every parameter is UpdateMode.Deferred.");
    }

    private RuleState ClipState()
    {
        var state = new RuleState(Device);
        if (Clips(ClipMode.PreviousNorm)) state.AddNumber(PreviousNorm, 0);
        if (options.Growth is not null) state.AddNumber(GrowthNorm, NormGrowthLimit.NoHistory);
        return state;
    }

    private void CheckClipping()
    {
        if (!Enum.IsDefined(options.ClipMode)) throw new ArgumentException($"Updater: there is no clip mode {options.ClipMode}.");
        if (options.MaxNorm is { } maxNorm && !(maxNorm > 0))
            throw new ArgumentException($"Updater: the largest norm {maxNorm} is not positive; leave MaxNorm null for no clipping.");
        if (options.Growth is not null && options.ClipMode is (ClipMode.PreviousNorm or ClipMode.PerTensor))
            throw new ArgumentException(
                $"Updater: the growth of the norm of all gradients is not known in ClipMode.{options.ClipMode}; choose Deferred or TwoPass, or limit each parameter's by a Chain "
                + "with NormGrowthCap.");
        if (!Limits && options.ClipMode != ClipMode.Deferred)
            throw new ArgumentException($"Updater: ClipMode.{options.ClipMode} without MaxNorm clips nothing; set MaxNorm, or leave ClipMode out.");
        if (Clips(ClipMode.Deferred)) CheckAllDeferred();
    }

    private void CheckAllDeferred()
    {
        var eager = slots.Where(s => s.Mode == UpdateMode.Eager).Select(s => s.Parameter.Name).ToArray();
        if (eager.Length == 0) return;
        throw new ArgumentException(
            $"Updater: clipping by the global norm needs all gradients before the first weight moves, but {eager.Length} parameters are stepped eagerly ({eager[0]}"
            + $"{(eager.Length > 1 ? ", ..." : "")}). Choose: ClipMode.TwoPass (exact, runs forward and backward twice), ClipMode.PreviousNorm (the norm of the step "
            + "before), ClipMode.PerTensor (each gradient by its own norm), or UpdateMode.Deferred for all parameters (exact, keeps all gradients). Without MaxNorm, "
            + "new Chain(new ClipNorm(limit), rule) or new Chain(new ClipValue(limit), rule) clips each parameter's.");
    }
}
