namespace Mayfly;

// What becomes of a gradient: it is kept, measured, clipped, applied.
public sealed partial class Updater
{
    /// <inheritdoc/>
    Tensor? IGradientSink.Accumulator(Parameter parameter) => Awaited(parameter).Accumulator;

    /// <inheritdoc/>
    void IGradientSink.Ready(Parameter parameter, ref Gradient gradient)
    {
        try
        {
            var slot = Awaited(parameter);
            if (progress.HasSeveral && slot.Projecting is { } rule) slot.TakeProjected(rule, gradient, progress.IsLastMicroBatch);
            else
                slot.Take(ref gradient, progress.IsLastMicroBatch, Fires(slot),
                    RoundingDraws.OfGradient(options.Seed, GlobalStep, parameter, progress.MicroBatch));
            if (!slot.IsWhole) return;
            if (options.Exchange is { } exchange) SpendAll(exchange.Add(parameter, slot.Summand()));
            else Spend(slot);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>The slot of a parameter that the pass has not brought its whole gradient yet.</summary>
    private Slot Awaited(Parameter parameter)
    {
        progress.CheckOpen("a sweep");
        if (!slotOf.TryGetValue(parameter, out var slot))
            throw new InvalidOperationException(
                $"Updater: the loss depends on the trainable parameter {parameter}, which is not among this updater's; "
                + "list it or set Trainable to false.");
        if (!slot.IsWhole || progress.Repeats) return slot;
        throw new InvalidOperationException(
            $"Updater: a second sweep in step {GlobalStep} after {slot.Parameter.Name} had its whole gradient; "
            + "for gradient accumulation say Begin(microBatches: n) and sweep by updater.Backward(tape, loss).");
    }

    /// <summary>Spends gradients that are summed over all ranks; the sweep is past their parameters.</summary>
    private void SpendAll(IReadOnlyList<Parameter> summed)
    {
        foreach (var parameter in summed)
        {
            var firing = Sweep.SwapFiring(parameter);
            try
            {
                Device.Pager?.Forget(parameter.Value);
                if (options.Exchange!.Steps(parameter)) SpendSum(slotOf[parameter]);
                else Leave(slotOf[parameter]);
            }
            finally
            {
                Sweep.SwapFiring(firing);
            }
        }
    }

    private void SpendSum(Slot slot)
    {
        slot.RoundSum(Fires(slot));
        Spend(slot);
    }

    /// <summary>Leaves a gradient to the rank that steps the parameter, which tells the norm later.</summary>
    private void Leave(Slot slot)
    {
        slot.DropGradient();
        if (slot.Squares is null) slot.Note(0);
        if (Fires(slot) && !progress.IsMeasuring) progress.Move();
    }

    /// <summary>Does with a whole gradient what the pass is for. One that is not used here waits for the end of the step.</summary>
    private void Spend(Slot slot)
    {
        bool fires = Fires(slot);
        if (fires || progress.IsMeasuring || progress.Repeats || !Device.Backend.IsAsynchronous) Measure(slot);
        if (progress.IsMeasuring) slot.DropGradient();
        else if (fires) Apply(slot);
    }

    /// <summary>True where a parameter steps as soon as its gradient is whole.</summary>
    private bool Fires(Slot slot) => slot.Mode == UpdateMode.Eager && (progress.Repeats || clipping.Mode != ClipMode.TwoPass);

    /// <summary>
    /// Finds a gradient's norm: at once, while the gradient is in the cache, but where reading waits for the device, for all that can wait
    /// together.
    /// </summary>
    private void Measure(Slot slot)
    {
        if (!slot.IsUnmeasured) return;
        if (progress.Repeats)
            throw new InvalidOperationException(
                $"Updater: in step {GlobalStep} {slot.Parameter} got a gradient in the second pass of ClipMode.TwoPass "
                + "and none in the first. The function given to Step runs twice: let it do the same each time.");
        Number squares = ReadsNorms ? slot.Gradient!.Squares() : 0;
        Note(slot, NeedsNorms ? squares.Value : squares);
    }

    /// <summary>Measures in one reading the gradients that waited, and those that the last sweep did not touch.</summary>
    private void MeasureRest()
    {
        if (!Array.Exists(slots, s => s.IsUnmeasured)) return;
        var rest = Array.FindAll(slots, s => s.IsUnmeasured);
        var squares = new Number[rest.Length];
        if (ReadsNorms) Device.Backend.Squares(Array.ConvertAll(rest, s => s.Gradient!.Read("SumSquares")), squares);
        if (NeedsNorms) Know(squares);
        for (int i = 0; i < rest.Length; i++) Note(rest[i], squares[i]);
        if (progress.Reads) ReadSquares();
    }

    /// <summary>Puts values in the place of numbers that a device may have.</summary>
    private void Know(Number[] squares)
    {
        var values = new double[squares.Length];
        Device.Backend.Read(squares, values);
        for (int i = 0; i < squares.Length; i++) squares[i] = values[i];
    }

    /// <summary>Reads the norms that only the device knows yet.</summary>
    /// <exception cref="NonFiniteException">One is infinite or not a number.</exception>
    private void ReadSquares()
    {
        var rest = Array.FindAll(slots, s => s.Squares is not null && s.Known is null);
        if (rest.Length == 0) return;
        var values = new double[rest.Length];
        Device.Backend.Read(Array.ConvertAll(rest, s => s.Squares!.Value), values);
        for (int i = 0; i < rest.Length; i++) rest[i].NoteRead(Finite(rest[i], values[i]));
    }

    /// <summary>Reads, where the step is one that reads, what no one has waited for, and finds faults.</summary>
    /// <exception cref="NonFiniteException">A number is infinite or not a number.</exception>
    private void ReadNumbers()
    {
        if (!progress.Reads || !Device.Backend.IsAsynchronous) return;
        ReadSquares();
        clipping.Read();
        if (Device.Backend.TakeFault() is { } fault) throw progress.NonFinite(fault);
    }

    /// <summary>Sums what of the gradients is not summed yet over all ranks, and tells all the norms of each.</summary>
    private void FinishExchange()
    {
        if (options.Exchange is not { } exchange) return;
        SpendAll(exchange.Finish());
        MeasureRest();
        if (!ReadsNorms) return;
        var squares = Array.ConvertAll(slots, s => Tells(exchange, s.Parameter) ? s.Known ?? 0 : 0);
        exchange.Sum(squares);
        for (int i = 0; i < slots.Length; i++)
            if (slots[i].Squares is not null) slots[i].Note(squares[i]);
    }

    /// <summary>True on the one rank whose norm of a parameter's gradient counts.</summary>
    private static bool Tells(IGradientExchange exchange, Parameter parameter) =>
        exchange.IsShared(parameter) ? exchange.Rank == 0 : exchange.Steps(parameter);

    /// <summary>What gradients are multiplied by until they are used.</summary>
    private double LossScale => options.DynamicLossScale is null ? options.LossScale : State.Number(LossScaling.Scale);

    /// <summary>True where a gradient of the step overflowed and the step is to be left out.</summary>
    private bool Overflows =>
        options.DynamicLossScale is not null && Array.Exists(slots, s => s.Known is { } x && !double.IsFinite(x));

    /// <summary>
    /// Notes the squares of a gradient's elements. What is not finite is an error, unless the loss scale may be to blame.
    /// </summary>
    private void Note(Slot slot, Number squares) => slot.Note(squares.IsKnown
        ? Finite(slot, squares.Value) / LossScale / LossScale
        : squares * (1 / LossScale) * (1 / LossScale));

    private double Finite(Slot slot, double squares) => double.IsFinite(squares) || options.DynamicLossScale is not null
        ? squares
        : throw progress.NonFinite($"the gradient of {slot.Parameter} has an infinity or NaN");

    /// <summary>
    /// Scales down, before the first rule steps, all gradients that wait: a device sends out together what comes one after the other. On
    /// the CPU a gradient is better scaled and used at once.
    /// </summary>
    private void ClipTogether()
    {
        if (!Device.Backend.IsAsynchronous || LossScale != 1) return;
        foreach (var slot in slots)
            if (slot.Gradient is { } gradient && !gradient.Type.IsStored()) slot.ClipFactor = clipping.Apply(slot);
    }

    private void Apply(Slot slot)
    {
        using var held = Device.Pager?.Hold(alone: true) ?? default;
        Device.Arena.Trace?.At(StepPhase.Update, slot.Assignment.Rule.Name, slot.Parameter.Name);
        slot.Init();
        slot.Widen(LossScale);
        var factor = slot.ClipFactor ?? clipping.Apply(slot);
        progress.Move();
        slot.Apply(new StepInfo(GlobalStep, progress.LearningRate * slot.Assignment.LearningRateScale, options.Seed, factor));
    }

    private bool ReadsNorms =>
        progress.Reads || clipping.Mode is not null || options.DynamicLossScale is not null;

    /// <summary>True where the host acts by norms in every step.</summary>
    private bool NeedsNorms => options.Exchange is not null || options.DynamicLossScale is not null;

    /// <summary>The square of the L2 norm of all gradients together, where it may be limited; NaN elsewhere.</summary>
    private Number Squares() => clipping.Mode is null or ClipMode.PerTensor
        ? double.NaN
        : Device.Backend.Sum([.. slots.Where(s => s.Squares is not null).Select(s => s.Squares!.Value)]);

    /// <summary>The L2 norm of all gradients together; NaN where it was not read, or a whole gradient was not there to read.</summary>
    private double Norm()
    {
        if (!ReadsNorms || progress.HasSeveral && Array.Exists(slots, s => s.Projecting is not null)) return double.NaN;
        double sum = 0;
        foreach (var slot in slots) sum += slot.Squares is null ? 0 : slot.Known ?? double.NaN;
        return Math.Sqrt(sum);
    }
}
