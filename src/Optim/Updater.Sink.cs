namespace Mayfly;

public sealed partial class Updater
{
    /// <inheritdoc/>
    Tensor? IGradientSink.Accumulator(Parameter parameter)
    {
        CheckOpen("a sweep");
        var slot = Find(parameter);
        CheckFirstSweep(slot);
        return slot.Gradient;
    }

    /// <inheritdoc/>
    void IGradientSink.Ready(Parameter parameter, ref Gradient gradient)
    {
        CheckOpen("a sweep");
        try
        {
            var slot = Find(parameter);
            CheckFirstSweep(slot);
            Take(slot, ref gradient);
            if (microBatch < microBatches - 1) return;
            slot.IsWhole = slot.Gradient is not null;
            if (!CanWait(slot)) Complete(slot);
            if (pass == Pass.Measure) slot.DropGradient();
            else if (slot.Gradient is not null && FiresInSweep(slot)) ApplyKept(slot);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>Keeps a gradient the sweep made; one that was added to the kept one is there already.</summary>
    private static void Take(Slot slot, ref Gradient gradient)
    {
        if (gradient.Value is null || gradient.Value == slot.Gradient) return;
        slot.Gradient = gradient.Value;
        gradient = default;
    }

    /// <summary>Measures a complete gradient, and so finds infinities and NaN before they reach a weight.</summary>
    private void Complete(Slot slot)
    {
        if (slot.Gradient is null || slot.Squares is not null) return;
        CheckMeasured(slot);
        Note(slot, ReadsNorms ? slot.Gradient.SumSquares() : 0);
    }

    /// <summary>
    /// True where a gradient can be measured at the end of the step, with all that can: where reading waits for the device, once is better than once
    /// a parameter; elsewhere it is better while the gradient is in the cache.
    /// </summary>
    private bool CanWait(Slot slot) => Device.Backend.IsAsynchronous && pass == Pass.Only && !FiresInSweep(slot);

    /// <summary>Measures the gradients that are not measured yet, where it pays in one reading.</summary>
    private void CompleteAll()
    {
        if (Device.Backend.IsAsynchronous) CompleteAtOnce();
        else
            foreach (var slot in slots) Complete(slot);
    }

    private void CompleteAtOnce()
    {
        Slot[] rest = [.. slots.Where(s => s.Gradient is not null && s.Squares is null)];
        foreach (var slot in rest) CheckMeasured(slot);
        var squares = new double[rest.Length];
        if (ReadsNorms) Device.Backend.SumSquares(Array.ConvertAll(rest, s => s.Gradient!.Read("SumSquares")), squares);
        for (int i = 0; i < rest.Length; i++) Note(rest[i], squares[i]);
    }

    private void Note(Slot slot, double squares)
    {
        if (!double.IsFinite(squares))
            throw new NonFiniteException(
                $"Step {GlobalStep}: the gradient of {slot.Parameter} has an infinity or NaN. "
                + (moved ? "Weights have already moved: the model is torn; load a snapshot." : "No weight has moved; the step can be repeated with other data."));
        slot.Squares = squares;
    }

    private void ApplyKept(Slot slot)
    {
        if (slot.Gradient is null && !TakeZero(slot)) return;
        var assignment = slot.Assignment;
        slot.Init();
        double factor = Clip(slot);
        moved = true;
        var step = new StepInfo(GlobalStep, learningRate * assignment.LearningRateScale, options.Seed, factor);
        assignment.Rule.Apply(slot.Parameter, slot.Gradient!, slot.State, step);
        slot.DropGradient();
    }

    /// <summary>Gives a parameter that got no gradient one of zeros, where its rule asks for it.</summary>
    private bool TakeZero(Slot slot)
    {
        if (slot.Squares is not null || !slot.Parameter.Trainable || !slot.Assignment.Rule.StepsWithoutGradient) return false;
        slot.Gradient = Tensor.Unowned(Device, slot.Parameter.Shape, Device.Float, Use.Gradient, slot.Parameter.Name);
        slot.Gradient.Fill(0);
        return true;
    }

    private Slot Find(Parameter parameter) => slotOf.TryGetValue(parameter, out var slot)
        ? slot
        : throw new InvalidOperationException(
            $"Updater: the loss depends on the trainable parameter {parameter}, which is not among this updater's; list it or set Trainable to false.");

    private void CheckFirstSweep(Slot slot)
    {
        if (!slot.IsWhole || pass == Pass.Apply) return;
        throw new InvalidOperationException(
            $"Updater: a second sweep in step {GlobalStep} after {slot.Parameter.Name} had its whole gradient; "
            + "for gradient accumulation say Begin(microBatches: n) and sweep by updater.Backward(tape, loss).");
    }
}
