namespace Mayfly;

/// <summary>
/// Where training stands: how many steps are done and how far the open one has come.
/// <code>
/// Between --Open--> [Measuring --Repeat-->] Open --Move--> Moved --End--> Between
/// Measuring, Open --Abandon--> Between     the step does not count
/// Moved --Abandon--> Torn --MarkRestored--> Between
/// </code>
/// </summary>
internal sealed class Progress(UpdaterOptions options, bool isAsynchronous)
{
    private const int MostMicroBatches = 4096;
    private Phase phase;
    private int microBatches;
    private double loss;
    private double? measuredLoss;

    private enum Phase
    {
        Between,
        Measuring,
        Open,
        Moved,
        Torn,
    }

    /// <summary>The steps done, the open one among them.</summary>
    public long Step { get; set; }

    public bool IsOpen => phase is Phase.Measuring or Phase.Open or Phase.Moved;

    public bool IsTorn => phase == Phase.Torn;

    /// <summary>True in the first of two passes, which measures gradients and moves no weight.</summary>
    public bool IsMeasuring => phase == Phase.Measuring;

    /// <summary>True in the second of two passes, which steps with gradients measured in the first.</summary>
    public bool Repeats => measuredLoss is not null;

    public double LearningRate { get; private set; }

    /// <summary>The micro-batches that the pass has had.</summary>
    public int MicroBatch { get; private set; }

    /// <summary>True in a step of several micro-batches.</summary>
    public bool HasSeveral => microBatches > 1;

    public bool IsLastMicroBatch => MicroBatch >= microBatches - 1;

    /// <summary>True in the steps in which <see cref="UpdaterOptions.ReadEvery"/> has values read back.</summary>
    public bool Reads => Step % options.ReadEvery == 0;

    /// <summary>Two passes are compared by the loss where reading it waits for nothing.</summary>
    public bool ReadsLoss => Reads || ((IsMeasuring || Repeats) && !isAsynchronous);

    /// <summary>The loss of the pass; NaN where it was not read.</summary>
    public double Loss => MicroBatch > 0 && ReadsLoss ? loss : double.NaN;

    /// <summary>Starts the next step.</summary>
    public void Open(int microBatches, double learningRate, bool measures)
    {
        if (IsTorn)
            throw new InvalidOperationException(
                "Updater: the model is torn: a step failed after it had moved some weights. "
                + "Load a snapshot of weights and optimizer state, then call MarkRestored.");
        int ranks = options.Exchange?.Ranks ?? 1;
        if (microBatches < 1 || (long)microBatches * ranks > MostMicroBatches)
            throw new ArgumentOutOfRangeException(
                nameof(microBatches), $"Updater: {microBatches} micro-batches{(ranks > 1 ? $" on each of {ranks} ranks" : "")}; "
                    + $"a step has 1 to {MostMicroBatches}.");
        CheckRate(learningRate);
        (phase, this.microBatches, MicroBatch) = (measures ? Phase.Measuring : Phase.Open, microBatches, 0);
        (LearningRate, loss, measuredLoss) = (learningRate, 0, null);
        Step++;
    }

    /// <summary>Returns a learning rate that the next step can have.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It cannot.</exception>
    public double CheckRate(double learningRate) => learningRate >= 0 && double.IsFinite(learningRate)
        ? learningRate
        : throw new ArgumentOutOfRangeException(
            nameof(learningRate), $"Updater: the learning rate {learningRate} of step {Step + 1} is not a finite number of at least 0.");

    /// <summary>Goes from the pass that measures to the one that steps, with the same random numbers.</summary>
    public void Repeat() => (phase, MicroBatch, loss, measuredLoss) = (Phase.Open, 0, 0, loss);

    /// <summary>Adds a micro-batch's loss to the step's.</summary>
    public void AddLoss(double value)
    {
        if (!double.IsFinite(value)) throw NonFinite($"the loss{(microBatches > 1 ? $" of micro-batch {MicroBatch}" : "")} is {value}");
        if (Repeats && value != measuredLoss)
            throw new InvalidOperationException(
                $"Updater: in step {Step} the second pass of ClipMode.TwoPass found the loss {value:R} where the first had "
                + $"{measuredLoss:R}. The function given to Step runs twice: draw the batch before Step, and let it do the same "
                + "each time. No weight has moved.");
        loss += value;
    }

    public void NextMicroBatch() => MicroBatch++;

    /// <summary>Says that a weight moves now.</summary>
    public void Move() => phase = Phase.Moved;

    public void End() => phase = Phase.Between;

    /// <summary>Gives up the open step, if there is one.</summary>
    public void Abandon()
    {
        if (phase is Phase.Measuring or Phase.Open) Step--;
        phase = phase is Phase.Moved or Phase.Torn ? Phase.Torn : Phase.Between;
    }

    public void MarkRestored() => phase = IsTorn ? Phase.Between : phase;

    public void CheckOpen(string call)
    {
        if (!IsOpen) throw new InvalidOperationException($"Updater: {call} without a step; call Begin first. (A failed step is over.)");
    }

    /// <summary>Checks that the step takes another micro-batch.</summary>
    public void CheckRoom()
    {
        if (MicroBatch == microBatches)
            throw new InvalidOperationException(
                $"Updater: step {Step} has had its {microBatches} micro-batches; call End, or ask Begin for more.");
    }

    /// <summary>
    /// Checks that no micro-batch is missing. A step of one is not asked: its tape may have been swept without the updater's Backward.
    /// </summary>
    public void CheckComplete()
    {
        if (microBatches > 1 && MicroBatch < microBatches)
            throw new InvalidOperationException(
                $"Updater: End after {MicroBatch} of {microBatches} micro-batches; sweep each by updater.Backward(tape, loss).");
    }

    /// <summary>The error that names what is infinite or not a number.</summary>
    public NonFiniteException NonFinite(string what) => new($"Step {Step}: {what}. " + (phase == Phase.Moved
        ? "Weights have already moved: the model is torn; load a snapshot."
        : "No weight has moved; the step can be repeated with other data."));
}
