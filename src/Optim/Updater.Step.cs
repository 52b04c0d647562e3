namespace Mayfly;

public sealed partial class Updater
{
    /// <summary>
    /// One training step: records a tape for each micro-batch, sweeps it, and steps every parameter that got a gradient. The function runs
    /// <see cref="UpdaterOptions.Accumulate"/> times, and the step's loss is the mean of what it returns. Means over batches of unequal
    /// numbers of targets weigh these unequally: give cross-entropy the total of the whole step, and the losses, being shares of one, add
    /// up. With <see cref="ClipMode.TwoPass"/> it may run twice and must do the same both times: draw the batch before.
    /// </summary>
    /// <param name="loss">Computes the loss, of one element, of the next batch.</param>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">The model is torn.</exception>
    public StepReport Step(Func<Tensor> loss) => Run(options.Accumulate, _ => loss(), ofMeans: true);

    /// <summary>
    /// One training step over several micro-batches, each with a tape of its own. Gradients add up in one buffer per parameter, and each
    /// rule fires once, at the last micro-batch.
    /// </summary>
    /// <param name="microBatches">How many.</param>
    /// <param name="loss">
    /// Computes the loss of micro-batch k, already divided by what the whole step counts (its targets), so that the losses add up to the
    /// step's.
    /// </param>
    /// <exception cref="NonFiniteException">A loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">The model is torn.</exception>
    public StepReport Step(int microBatches, Func<int, Tensor> loss) => Run(microBatches, loss, ofMeans: false);

    private StepReport Run(int microBatches, Func<int, Tensor> loss, bool ofMeans)
    {
        Start(microBatches, learningRate: null);
        try
        {
            RunMicroBatches(microBatches, loss, ofMeans);
            if (progress.IsMeasuring)
            {
                FinishExchange();
                if (Overflows) return Skip();
                clipping.FindFactor(Squares());
                progress.Repeat();
                RunMicroBatches(microBatches, loss, ofMeans);
            }

            return End();
        }
        finally
        {
            Abandon();
        }
    }

    /// <summary>Starts a step: the global step advances by one. A step that was started and not ended is abandoned.</summary>
    /// <param name="learningRate">The learning rate; null asks the schedule.</param>
    /// <param name="microBatches">Sweeps of this step; null takes <see cref="UpdaterOptions.Accumulate"/>.</param>
    /// <exception cref="InvalidOperationException">The model is torn, or <see cref="ClipMode.TwoPass"/> needs two passes: Step.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A learning rate below 0 or not finite, or no micro-batches, or over 4096.</exception>
    public void Begin(double? learningRate = null, int? microBatches = null)
    {
        int sweeps = microBatches ?? options.Accumulate;
        if (clipping.NeedsTwoPasses(sweeps))
            throw new InvalidOperationException(
                "Updater: ClipMode.TwoPass runs forward and backward twice, so it needs the loss as a function: "
                + "call updater.Step(() => loss). Begin, Backward and End work with it where the step has several micro-batches or "
                + "every parameter is UpdateMode.Deferred.");
        Start(sweeps, learningRate);
    }

    private void Start(int microBatches, double? learningRate)
    {
        Abandon();
        progress.Open(microBatches, learningRate ?? ScheduledRate(GlobalStep + 1), measures: clipping.NeedsTwoPasses(microBatches));
        clipping.StartStep();
        Device.Pager?.StartStep();
        foreach (var slot in slots) slot.StartStep();
        if (microBatches == 1) phase = Device.Arena.Phase(phases[0]);
    }

    private void RunMicroBatches(int microBatches, Func<int, Tensor> loss, bool ofMeans)
    {
        for (int k = 0; k < microBatches; k++)
        {
            using var part = Device.Arena.Phase(phases[k == 0 ? 1 : k == microBatches - 1 ? 3 : 2]); // none within a step of one
            using var tape = Tape.Record(Device, Random);
            tape.Accumulates = microBatches > 1 && !options.SumsApart;
            var share = loss(k);
            Backward(tape, ofMeans && microBatches * Ranks > 1 && !tape.HasShares ? share / (microBatches * Ranks) : share);
        }
    }

    /// <summary>Checks the loss, sweeps the tape and goes on to the next micro-batch.</summary>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">No step was started, or it has had all its micro-batches.</exception>
    public void Backward(Tape tape, Tensor loss)
    {
        progress.CheckOpen("Backward");
        try
        {
            Take(loss);
            tape.Backward(Scaled(loss), this);
            GoOn();
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>Checks and adds up the loss of a micro-batch.</summary>
    internal void Take(Tensor loss)
    {
        progress.CheckRoom();
        if (loss.Count == 1 && progress.ReadsLoss) progress.AddLoss(Total(loss.Item()));
    }

    /// <summary>The loss as it is swept.</summary>
    internal Tensor Scaled(Tensor loss) => LossScale == 1 ? loss : loss.Scale((float)LossScale);

    /// <summary>Goes on to the next micro-batch.</summary>
    internal void GoOn() => progress.NextMicroBatch();

    /// <summary>The loss of all ranks together, which thus find alike that it is not finite.</summary>
    private double Total(double loss)
    {
        options.Exchange?.Sum(new Span<double>(ref loss));
        return loss;
    }

    /// <summary>Ends the step: steps what is still waiting, in the order of the parameters.</summary>
    /// <exception cref="NonFiniteException">A gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">No step was started, or micro-batches are missing.</exception>
    public StepReport End()
    {
        progress.CheckOpen("End");
        try
        {
            progress.CheckComplete();
            FinishExchange();
            MeasureRest();
            if (Overflows) return Skip();
            var squares = Squares();
            clipping.FindFactor(squares);
            ClipTogether();
            foreach (var slot in slots)
            {
                if (options.Exchange?.Steps(slot.Parameter) ?? true) slot.TakeZero();
                if (slot.Gradient is not null) Apply(slot);
            }

            clipping.EndStep(squares);
            ReadNumbers();
            var report = Report(Norm());
            options.DynamicLossScale?.Note(State, overflow: false);
            progress.End();
            return report;
        }
        finally
        {
            Abandon();
        }
    }

    /// <summary>Ends a step in which a gradient overflowed: it counts, but changes nothing except the scale of the next loss.</summary>
    /// <exception cref="NonFiniteException">The scale could not be smaller.</exception>
    private StepReport Skip()
    {
        var worst = Array.Find(slots, s => s.Known is { } x && !double.IsFinite(x))!.Parameter;
        var report = Report(double.NaN) with { Skipped = true };
        if (!options.DynamicLossScale!.Note(State, overflow: true))
            throw progress.NonFinite($"the gradient of {worst} has an infinity or NaN with the least loss scale, {report.LossScale}");
        foreach (var slot in slots) slot.DropGradient();
        progress.End();
        return report;
    }

    /// <summary>
    /// Drops a step that was started and not ended, with the gradients it kept. Where no weight has moved the global step goes back by one;
    /// otherwise the model is torn.
    /// </summary>
    public void Abandon()
    {
        options.Exchange?.Cancel();
        foreach (var slot in slots) slot.DropGradient();
        Device.Pager?.EndStep();
        phase.Dispose();
        progress.Abandon();
    }

    private StepReport Report(double norm)
    {
        var report = NewReport(norm);
        StepMeter.Add(report);
        return report;
    }

    private StepReport NewReport(double norm) => new()
    {
        Step = GlobalStep,
        Loss = progress.Loss,
        LearningRate = progress.LearningRate,
        GradientNorm = norm,
        Clipped = clipping.HasClipped,
        Clip = clipping.Mode,
        LossScale = LossScale,
        Passes = progress.Repeats ? 2 : 1,
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
