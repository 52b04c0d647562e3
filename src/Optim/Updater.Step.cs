namespace Mayfly;

public sealed partial class Updater
{
    private const int MostMicroBatches = 4096;
    private bool open, moved;
    private int microBatches, microBatch;
    private double loss, learningRate;

    /// <summary>
    /// One training step: records a tape for each micro-batch, sweeps it, and steps every parameter that got a gradient. The function runs
    /// <see cref="UpdaterOptions.Accumulate"/> times; the losses it returns add up to the step's loss. With <see cref="ClipMode.TwoPass"/> it may run
    /// twice and must do the same both times: draw the batch before.
    /// </summary>
    /// <param name="loss">Computes the loss, of one element, of the next batch.</param>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">The model is torn.</exception>
    public StepReport Step(Func<Tensor> loss) => Step(options.Accumulate, _ => loss());

    /// <summary>
    /// One training step over several micro-batches, each with a tape of its own. Gradients add up in one buffer per parameter, and each rule fires
    /// once, at the last micro-batch.
    /// </summary>
    /// <param name="microBatches">How many.</param>
    /// <param name="loss">
    /// Computes the loss of micro-batch k, already divided by what the whole step counts (its targets), so that the losses add up to the step's.
    /// </param>
    /// <exception cref="NonFiniteException">A loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">The model is torn.</exception>
    public StepReport Step(int microBatches, Func<int, Tensor> loss)
    {
        Start(learningRate: null, microBatches);
        try
        {
            RunMicroBatches(loss);
            if (pass == Pass.Measure)
            {
                TurnToSecondPass();
                RunMicroBatches(loss);
            }

            return End();
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>Starts a step: the global step advances by one. A step that was started and not ended is abandoned.</summary>
    /// <param name="learningRate">The learning rate; null asks the schedule.</param>
    /// <param name="microBatches">Sweeps of this step; null takes <see cref="UpdaterOptions.Accumulate"/>.</param>
    /// <exception cref="InvalidOperationException">The model is torn, or <see cref="ClipMode.TwoPass"/> needs a second pass, which only Step can make.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A learning rate below zero or not finite, or no micro-batches, or more than 4096.</exception>
    public void Begin(double? learningRate = null, int? microBatches = null)
    {
        CheckOnePass(microBatches ?? options.Accumulate);
        Start(learningRate, microBatches ?? options.Accumulate);
    }

    private void Start(double? learningRate, int microBatches)
    {
        Abandon();
        CheckWhole();
        int sweeps = CheckSweeps(microBatches);
        double rate = CheckRate(learningRate ?? ScheduledRate(GlobalStep + 1));
        GlobalStep++;
        (open, moved, microBatch, loss) = (true, false, 0, 0);
        (this.microBatches, this.learningRate) = (sweeps, rate);
        foreach (var slot in slots) (slot.Squares, slot.IsWhole) = (null, false);
        StartClipping(sweeps);
    }

    private void RunMicroBatches(Func<int, Tensor> loss)
    {
        for (int k = 0; k < microBatches; k++)
        {
            using var tape = Tape.Record(Device, Random);
            Backward(tape, loss(k));
        }
    }

    /// <summary>Checks the loss, sweeps the tape and goes on to the next micro-batch.</summary>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">No step was started, or it has had all its micro-batches.</exception>
    public void Backward(Tape tape, Tensor loss)
    {
        CheckOpen("Backward");
        try
        {
            if (microBatch == microBatches)
                throw new InvalidOperationException(
                    $"Updater: step {GlobalStep} has had its {microBatches} micro-batches; call End, or ask Begin for more.");
            if (loss.Count == 1 && ReadsLoss) AddLoss(loss.Item());
            tape.Backward(loss, this);
            microBatch++;
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>Ends the step: steps what is still waiting, in the order of the parameters.</summary>
    /// <exception cref="NonFiniteException">A gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">No step was started, or micro-batches are missing.</exception>
    public StepReport End()
    {
        CheckOpen("End");
        try
        {
            if (microBatches > 1 && microBatch < microBatches)
                throw new InvalidOperationException(
                    $"Updater: End after {microBatch} of {microBatches} micro-batches; sweep each by updater.Backward(tape, loss).");
            CompleteAll();
            double norm = Norm();
            FindGlobalFactor(norm);
            foreach (var slot in slots) ApplyKept(slot);
            RememberNorm(norm);
            open = false;
            return Report(norm);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>
    /// Drops a step that was started and not ended, with the gradients it kept. Where no weight has moved the global step goes back by one;
    /// otherwise the model is torn.
    /// </summary>
    public void Abandon()
    {
        if (!open) return;
        open = false;
        foreach (var slot in slots) slot.DropGradient();
        if (moved) Torn = true;
        else GlobalStep--;
    }

    private void CheckWhole()
    {
        if (!Torn) return;
        throw new InvalidOperationException(
            "Updater: the model is torn: a step failed after it had moved some weights. "
            + "Load a snapshot of weights and optimizer state, then call MarkRestored.");
    }

    private static int CheckSweeps(int microBatches) => microBatches is >= 1 and <= MostMicroBatches
        ? microBatches
        : throw new ArgumentOutOfRangeException(nameof(microBatches), $"Updater: {microBatches} micro-batches; a step has 1 to {MostMicroBatches}.");

    private double CheckRate(double learningRate) => learningRate >= 0 && double.IsFinite(learningRate)
        ? learningRate
        : throw new ArgumentOutOfRangeException(
            nameof(learningRate), $"Updater: the learning rate {learningRate} of step {GlobalStep + 1} is not a finite number of at least 0.");

    private void CheckOpen(string call)
    {
        if (!open) throw new InvalidOperationException($"Updater: {call} without a step; call Begin first. (A failed step is over.)");
    }

    private void AddLoss(double value)
    {
        CheckSameLoss(Finite(value));
        loss += value;
    }

    private double Finite(double value) => double.IsFinite(value)
        ? value
        : throw new NonFiniteException(
            $"Step {GlobalStep}: the loss{(microBatches > 1 ? $" of micro-batch {microBatch}" : "")} is {value}. "
            + "No weight has moved; the step can be repeated with other data.");

    private double Norm()
    {
        double sum = 0;
        foreach (var slot in slots) sum += slot.Squares ?? 0;
        return ReadsNorms ? Math.Sqrt(sum) : double.NaN;
    }

    private bool ReadsLoss => pass != Pass.Only || GlobalStep % options.ReadEvery == 0;

    private bool ReadsNorms => Limits || GlobalStep % options.ReadEvery == 0;

    private StepReport Report(double norm) => new()
    {
        Step = GlobalStep,
        Loss = microBatch == 0 || !ReadsLoss ? double.NaN : loss,
        LearningRate = learningRate,
        GradientNorm = norm,
        Clipped = clipped,
        Clip = Limits ? options.ClipMode : null,
        Passes = pass == Pass.Apply ? 2 : 1,
        WithoutGradient = WithoutGradient(),
        PeakBytes = Device.Arena.Report.PeakBytes,
    };

    private IReadOnlyList<string> WithoutGradient()
    {
        List<string>? names = null;
        foreach (var slot in slots)
            if (slot.Parameter.Trainable && slot.Squares is null) (names ??= []).Add(slot.Parameter.Name);
        return names ?? (IReadOnlyList<string>)[];
    }
}
