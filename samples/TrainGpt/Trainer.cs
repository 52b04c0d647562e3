using System.Diagnostics;

namespace TrainGpt;

/// <summary>The state of a run after a step.</summary>
/// <param name="Report">What the step did.</param>
/// <param name="ValidationLoss">The validation loss, where it was measured after this step.</param>
/// <param name="TokensPerSecond">Tokens by the time of the steps of the last second or more.</param>
/// <param name="LiveBytes">Bytes in use between steps.</param>
/// <param name="IsSettled">True where the speed is one over a second or more.</param>
/// <param name="BitsPerByte">The validation loss in bits per byte of text, where there is one and tokens are text.</param>
/// <param name="Accuracy">The share of validation tokens that the model held for the likeliest, where it was measured.</param>
internal sealed record StepStatus(
    StepReport Report, double? ValidationLoss, double TokensPerSecond, long LiveBytes, bool IsSettled = true, double? BitsPerByte = null,
    double? Accuracy = null);

/// <summary>The training loop of one run: steps, evaluations, records and snapshots.</summary>
internal sealed class Trainer : IDisposable
{
    private readonly TrainOptions options;
    private readonly RunFolder folder;
    private readonly Tokenizer tokenizer;
    private readonly Batches batches, own;
    private readonly Evaluator evaluator;
    private readonly Updater updater;
    private readonly QkClip? clip;
    private readonly Throughput throughput;
    private readonly Func<int, Tensor> loss;
    private readonly SoundnessCheck soundness;
    private readonly RunRanks ranks;
    private readonly Meetings? meetings;
    private readonly CommandContext context;
    private (long Step, double Loss)? best, measured;
    private long savedStep = -1, clock, stepsOnClock, counted;
    private bool isUnsound, isFailing;
    private bool isDrawn;

    /// <summary>Prepares a run with its settings as used; nothing is written yet.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="data">What to train on.</param>
    /// <param name="validation">What to validate on.</param>
    /// <param name="folder">Where it is saved.</param>
    /// <param name="ranks">The processes that train it.</param>
    /// <param name="context">Hears of warnings.</param>
    /// <exception cref="InputException">The data is too short.</exception>
    public Trainer(
        TrainOptions options, LanguageModel model, Tokenizer tokenizer, TokenStream data, EvaluationData validation, RunFolder folder,
        RunRanks ranks, CommandContext context)
    {
        (this.options, this.tokenizer, Model, this.folder) = (options, tokenizer, model, folder);
        (this.ranks, this.context) = (ranks, context);
        batches = data.TrainBatches(options.Batch, model.Context, options.DataSeed);
        own = batches.Part(ranks.Rank, ranks.Count);
        evaluator = new Evaluator(model, tokenizer, validation, options.Batch);
        soundness = new SoundnessCheck(model, own, options.Accumulate);
        updater = NewUpdater(options, model, ranks.Exchange);
        clip = NewClip(options, model);
        if (options.SyncFolder is not null) meetings = new Meetings(options, updater, context);
        throughput = new Throughput(TokensPerStep);
        loss = MicroBatchLoss;
    }

    /// <summary>What steps the model of a run.</summary>
    public static Updater NewUpdater(TrainOptions options, LanguageModel model, IGradientExchange? exchange = null)
    {
        var updater = new Updater(model.Parameters(), OptimizerChoice.Route(options), new UpdaterOptions
        {
            Seed = options.Seed,
            Schedule = options.Schedule(),
            Accumulate = options.Accumulate,
            Accumulation = options.Accumulation,
            SumsApart = options.SumsApart,
            MaxNorm = options.MaxNorm,
            ReadEvery = options.ReadEvery!.Value,
            ClipMode = options.NormClipping,
            StateType = options.StateDtype,
            GradientType = options.GradientDtype,
            MasterWeights = options.MasterWeights,
            LossScale = options.ConstantLossScale,
            DynamicLossScale = options.DynamicLossScale,
            Exchange = exchange,
        });
        if (options.SyncFolder is not null) Diloco.Prepare(updater);
        return updater;
    }

    /// <summary>What keeps the attention logits of a run small; null for nothing.</summary>
    public static QkClip? NewClip(TrainOptions options, LanguageModel model) =>
        options.QkClip > 0 ? new QkClip(Attention.Watch(model)) { Threshold = options.QkClip } : null;

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The steps done.</summary>
    public long Step => updater.GlobalStep;

    /// <summary>Which rule trains which parameters, what its state costs, and the price of accumulation and clipping.</summary>
    public string Plan => updater.Summary();

    /// <summary>What the last evaluation found; null before it, or where it was stopped.</summary>
    public Evaluation? Evaluation { get; private set; }

    /// <summary>Hears how far an evaluation is.</summary>
    public Action<EvaluationProgress> Evaluating { get; set; } = _ => { };

    /// <summary>What to do after a divergence: the snapshots in the folder are from before it.</summary>
    public string Advice
    {
        get
        {
            if (savedStep < 0) return "Nothing was saved yet: train anew with a lower --learning-rate.";
            string other = best is { } b && b.Step != savedStep ? $"; --from best goes on after step {b.Step}" : "";
            return $"The snapshot of step {savedStep} is from before that: train --resume --out {folder.Path} with a lower --learning-rate "
                + $"goes on after it{other}.";
        }
    }

    /// <summary>The step with the least validation loss so far; -1 before the first.</summary>
    public long BestStep => best?.Step ?? -1;

    /// <summary>How a run goes on that was cut off.</summary>
    public string WayOn => savedStep < 0 ? "Nothing was saved yet."
        : $"The last snapshot is that of step {savedStep}; train --resume --out {folder.Path} goes on after it.";

    /// <summary>Takes weights, optimizer state and step from a snapshot.</summary>
    /// <exception cref="InputException">It does not fit, or the run is over.</exception>
    public void Restore(Snapshot snapshot)
    {
        CheckLeft(snapshot, options);
        snapshot.Restore(FineTuning.Saved(options, Model), updater);
        (savedStep, best) = (Step, folder.Best());
    }

    /// <summary>Finds out whether the run's workers have the same settings, version and first weights.</summary>
    /// <exception cref="InputException">They have not; the message names the first difference.</exception>
    public void AgreeWithWorkers() => meetings?.Agree(Model);

    /// <summary>Refuses a run that is over.</summary>
    /// <exception cref="InputException">All steps are done.</exception>
    public static void CheckLeft(Snapshot snapshot, TrainOptions options)
    {
        if (snapshot.Step >= options.Steps) throw new InputException(
            $"{snapshot.Path} has done {snapshot.Step} steps already; give --steps a larger number to go on.");
    }

    /// <summary>
    /// Trains up to the last step, or to the end of the step in which <paramref name="stop"/> is set. Begins and ends with a snapshot, so
    /// that there is always one to go back to; whatever ends it earlier, weights that are whole are saved.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was stopped before the first step.</exception>
    /// <exception cref="InputException">A snapshot cannot be written, or data not be read.</exception>
    /// <exception cref="NonFiniteException">A loss, gradient or weight is infinite or not a number, or the run has diverged.</exception>
    public void Run(RunRecords? records, Action<StepStatus> progress, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (savedStep < 0) Save(records);
        records?.Begin();
        try
        {
            Train(records, progress, stop);
            if (Step > savedStep) Save(records);
            ranks.Any(false);
        }
        catch
        {
            SaveAfterFailure(records);
            throw;
        }

        if (isUnsound) throw new NonFiniteException($"The run has diverged, and its weights of step {Step} were not saved.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        clip?.Dispose();
        updater.Dispose();
    }

    private void Train(RunRecords? records, Action<StepStatus> progress, CancellationToken stop)
    {
        meetings?.Begin(stop);
        StartClock();
        while (Step < options.Steps && !ranks.Any(stop.IsCancellationRequested || HasLostPatience))
        {
            if (Next(records, stop) is not { } status) continue;
            records?.Add(status);
            if (Step % options.StepsBetweenSnapshots == 0 || Step == options.Steps) Save(records);
            if (status.ValidationLoss is { } loss && !(loss >= best?.Loss)) KeepBest(loss);
            progress(status);
            StartClock();
        }
    }

    /// <summary>
    /// True where the best validation loss is as many measurements ago as that may be, those before a resumption included.
    /// </summary>
    public bool HasLostPatience =>
        options.Patience > 0 && best is { } found && Step - found.Step >= (long)options.Patience * options.EvaluateEvery;

    /// <summary>
    /// Makes a step; its status only where something was read or is due, and then with the speed of all steps since the last one.
    /// </summary>
    private StepStatus? Next(RunRecords? records, CancellationToken stop)
    {
        var report = MakeStep(records);
        clip?.Apply(updater);
        meetings?.Meet(stop);
        stepsOnClock++;
        if (double.IsNaN(report.Loss) && !IsDue(options.EvaluateEvery) && !IsDue(options.StepsBetweenSnapshots)) return null;
        double speed = throughput.After(stepsOnClock, Stopwatch.GetElapsedTime(clock).TotalSeconds);
        long live = Model.Device.Arena.Report.LiveBytes;
        if (IsDue(options.EvaluateEvery)) Evaluation = Measure(report.Step, stop);
        var found = IsDue(options.EvaluateEvery) ? Evaluation : null;
        return new StepStatus(report, found?.Loss, speed, live, throughput.IsSettled, found?.BitsPerByte, found?.Accuracy);
    }

    /// <summary>Makes a step, of which the first is drawn where that is asked for.</summary>
    private StepReport MakeStep(RunRecords? records)
    {
        if (options.MemoryTimeline is null || isDrawn) return updater.Step(options.Accumulate, loss);
        isDrawn = true;
        using var trace = Model.Device.Arena.StartTrace();
        var report = updater.Step(options.Accumulate, loss);
        records?.AddStep(Model.Config, trace);
        return report;
    }

    private bool IsDue(int every) => Step == options.Steps || Step % every == 0;

    private void StartClock() => (clock, stepsOnClock) = (Stopwatch.GetTimestamp(), 0);

    /// <summary>Always over the same tokens, so that the losses of a run can be compared; null where it was stopped.</summary>
    private Evaluation? Measure(long step, CancellationToken stop)
    {
        try
        {
            var found = evaluator.Measure(options.EvaluateTokens!.Value, progress =>
                Evaluating(progress with { IsAtEnd = step == options.Steps }), ranks.Exchange is null ? stop : default);
            measured = (step, found.Loss);
            return found;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private long TokensPerStep => (long)options.Batch * Model.Context * options.Accumulate;

    /// <summary>
    /// Micro-batch k of step s is batch (s - 1) accumulate + k; its loss is divided by those targets of the whole step that count.
    /// </summary>
    private Tensor MicroBatchLoss(int microBatch)
    {
        long first = (Step - 1) * options.Accumulate;
        if (microBatch == 0) counted = Counted(first);
        var batch = own.Read(first + microBatch, Model.Device);
        return Model.Loss(batch.Ids, batch.Targets, total: Math.Max(1, counted), batch.Parts);
    }

    /// <summary>The targets of a step that count.</summary>
    private long Counted(long first) => Enumerable.Range(0, options.Accumulate).Sum(i => (long)batches.Counted(first + i));

    /// <summary>
    /// Saves weights that are worth going on from; of others it says once why they are not saved. The first process writes all, or each its
    /// part.
    /// </summary>
    private void Save(RunRecords? records)
    {
        if (!IsSound()) return;
        Follow(records);
        if (savedStep >= 0) records?.Flush();
        double? loss = measured?.Step == Step ? measured?.Loss : null;
        if (options.IsDivided) folder.SaveParts(ranks.Exchange!, Model, updater, options, tokenizer, loss);
        else if (ranks.IsFirst) folder.Save(Model, updater, options, tokenizer, loss);
        meetings?.Saved();
        savedStep = Step;
        records?.AddConfiguration();
    }

    /// <summary>The best one is the last one too, or has to be saved by itself.</summary>
    private void KeepBest(double loss)
    {
        if (!double.IsFinite(loss) || savedStep != Step && !IsSound()) return;
        if (savedStep != Step && options.IsDivided) folder.SaveBestParts(ranks.Exchange!, Model, updater, options, tokenizer, loss);
        else if (ranks.IsFirst && savedStep != Step) folder.SaveBest(Model, updater, options, tokenizer, loss);
        else if (ranks.IsFirst) Snapshot.KeepBest(folder.Path);
        best = (Step, loss);
    }

    /// <summary>All processes find the same: each has other data.</summary>
    private bool IsSound()
    {
        string? why = soundness.Problem(Step);
        if (ranks.Any(why is not null)) why ??= "another rank finds that it does not predict its data";
        if (why is not null && !isUnsound && !isFailing) context.Warn($"Step {Step}: {why}, so no snapshot is taken until that is better.");
        isUnsound = why is not null;
        return !isUnsound;
    }

    /// <summary>Goes where the folder is; all processes that write in it do.</summary>
    private void Follow(RunRecords? records)
    {
        bool isNew = records is not null && folder.Follow();
        if (options.IsDivided) isNew |= folder.GoTo(ranks.OfFirst(Path.GetFileName(Path.TrimEndingDirectorySeparator(folder.Path))));
        if (!isNew) return;
        context.Warn($"'{options.Out}' was moved, removed or replaced while the run went on; it goes on in '{folder.Path}'.");
        best = null;
        records?.Follow();
    }

    /// <summary>The failure itself is what is reported.</summary>
    private void SaveAfterFailure(RunRecords? records)
    {
        if (ranks.Exchange is not null) return; // the others may be gone
        if (updater.Torn || updater.InStep || Step <= savedStep) return;
        isFailing = true;
        try
        {
            Save(records);
            if (Step == savedStep) context.Output.WriteLine($"Step {Step} was saved to {folder.Path} before the end.");
        }
        catch (Exception e) when (e is InputException or NonFiniteException or IOException or OutOfMemoryException
            or DeviceLostException)
        {
            // the last snapshot is the one to go on from
        }
    }
}
