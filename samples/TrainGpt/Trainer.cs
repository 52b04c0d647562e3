using System.Diagnostics;

namespace TrainGpt;

/// <summary>The state of a run after a step.</summary>
/// <param name="Report">What the step did.</param>
/// <param name="ValidationLoss">The validation loss, where it was measured after this step.</param>
/// <param name="TokensPerSecond">Tokens of the step by its time.</param>
/// <param name="LiveBytes">Bytes in use between steps.</param>
internal sealed record StepStatus(StepReport Report, double? ValidationLoss, double TokensPerSecond, long LiveBytes);

/// <summary>The training loop of one run: steps, evaluations, records and snapshots.</summary>
internal sealed class Trainer : IDisposable
{
    private readonly TrainOptions options;
    private readonly RunFolder folder;
    private readonly Tokenizer tokenizer;
    private readonly Batches batches;
    private readonly Evaluator evaluator;
    private readonly Updater updater;
    private readonly Func<int, Tensor> loss;
    private readonly SoundnessCheck soundness;
    private readonly CommandContext context;
    private (long Step, double Loss)? best;
    private long savedStep = -1, clock, stepsOnClock;
    private bool isUnsound, isFailing;

    /// <summary>Prepares a run with its settings as used; nothing is written yet.</summary>
    /// <exception cref="InputException">The data is too short.</exception>
    public Trainer(
        TrainOptions options, LanguageModel model, Tokenizer tokenizer, TokenStream data, RunFolder folder, CommandContext context)
    {
        (this.options, this.tokenizer, Model, this.folder, this.context) = (options, tokenizer, model, folder, context);
        batches = data.TrainBatches(options.Batch, model.Context, options.Seed);
        evaluator = new Evaluator(model, data, options.Batch);
        soundness = new SoundnessCheck(model, batches, options.Accumulate);
        updater = NewUpdater(options, model);
        loss = MicroBatchLoss;
    }

    /// <summary>What steps the model of a run.</summary>
    public static Updater NewUpdater(TrainOptions options, LanguageModel model) =>
        new(model.Parameters(), OptimizerChoice.Route(options), new UpdaterOptions
        {
            Seed = options.Seed,
            Schedule = options.Schedule(),
            Accumulate = options.Accumulate,
            MaxNorm = options.MaxNorm,
            ReadEvery = options.ReadEvery!.Value,
            ClipMode = options.NormClipping,
            StateType = options.StateDtype,
            GradientType = options.GradientDtype,
            MasterWeights = options.MasterWeights,
        });

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The steps done.</summary>
    public long Step => updater.GlobalStep;

    /// <summary>Which rule trains which parameters, what its state costs, and the price of accumulation and clipping.</summary>
    public string Plan => updater.Summary();

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

    /// <summary>Takes weights, optimizer state and step from a snapshot.</summary>
    /// <exception cref="InputException">It does not fit, or the run is over.</exception>
    public void Restore(Snapshot snapshot)
    {
        snapshot.Restore(Model.Parameters(), updater);
        (savedStep, best) = (Step, folder.Best());
        if (Step >= options.Steps) throw new InputException(
            $"{snapshot.Path} has done {Step} steps already; give --steps a larger number to go on.");
    }

    /// <summary>
    /// Trains up to the last step, or to the end of the step in which <paramref name="stop"/> is set. Begins and ends with a snapshot, so
    /// that there is always one to go back to; whatever ends it earlier, weights that are whole are saved.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was stopped before the first step.</exception>
    /// <exception cref="InputException">A snapshot cannot be written, or data not be read.</exception>
    /// <exception cref="NonFiniteException">A loss, gradient or weight is infinite or not a number, or the run has diverged.</exception>
    public void Run(RunRecords records, Action<StepStatus> progress, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (savedStep < 0) Save(records, null);
        records.Begin();
        try
        {
            Train(records, progress, stop);
            if (Step > savedStep) Save(records, null);
        }
        catch
        {
            SaveAfterFailure(records);
            throw;
        }

        if (isUnsound) throw new NonFiniteException($"The run has diverged, and its weights of step {Step} were not saved.");
    }

    /// <inheritdoc/>
    public void Dispose() => updater.Dispose();

    private void Train(RunRecords records, Action<StepStatus> progress, CancellationToken stop)
    {
        StartClock();
        while (Step < options.Steps && !stop.IsCancellationRequested)
        {
            if (Next(stop) is not { } status) continue;
            records.Add(status);
            if (Step % options.StepsBetweenSnapshots == 0 || Step == options.Steps) Save(records, status.ValidationLoss);
            if (status.ValidationLoss is { } loss && !(loss >= best?.Loss)) KeepBest(loss);
            progress(status);
            StartClock();
        }
    }

    /// <summary>
    /// Makes a step; its status only where something was read or is due, and then with the speed of all steps since the last one.
    /// </summary>
    private StepStatus? Next(CancellationToken stop)
    {
        var report = updater.Step(options.Accumulate, loss);
        stepsOnClock++;
        if (double.IsNaN(report.Loss) && !IsDue(options.EvaluateEvery) && !IsDue(options.StepsBetweenSnapshots)) return null;
        double speed = TokensPerStep * stepsOnClock / Stopwatch.GetElapsedTime(clock).TotalSeconds;
        return new StepStatus(report, Measure(report.Step, stop), speed, Model.Device.Arena.Report.LiveBytes);
    }

    private bool IsDue(int every) => Step == options.Steps || Step % every == 0;

    private void StartClock() => (clock, stepsOnClock) = (Stopwatch.GetTimestamp(), 0);

    /// <summary>The validation loss where it is due: an estimate on the way, over all windows at the end.</summary>
    private double? Measure(long step, CancellationToken stop)
    {
        if (!IsDue(options.EvaluateEvery)) return null;
        try
        {
            return step < options.Steps ? evaluator.Quick(stop) : evaluator.Full(stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private long TokensPerStep => (long)options.Batch * Model.Context * options.Accumulate;

    /// <summary>Micro-batch k of step s is batch (s - 1) accumulate + k; its loss is divided by the targets of the whole step.</summary>
    private Tensor MicroBatchLoss(int microBatch)
    {
        var (ids, targets) = batches.Get((Step - 1) * options.Accumulate + microBatch, Model.Device);
        return Model.Loss(ids, targets, total: TokensPerStep);
    }

    /// <summary>Saves weights that are worth going on from; of others it says once why they are not saved.</summary>
    private void Save(RunRecords records, double? validationLoss)
    {
        if (!IsSound()) return;
        if (folder.Follow()) Follow(records);
        if (savedStep >= 0) records.Flush();
        folder.Save(Model, updater, options, tokenizer, validationLoss);
        savedStep = Step;
        records.AddConfiguration();
    }

    /// <summary>The best one is the last one too, or has to be saved by itself.</summary>
    private void KeepBest(double loss)
    {
        if (!double.IsFinite(loss) || savedStep != Step && !IsSound()) return;
        if (savedStep == Step) Snapshot.KeepBest(folder.Path);
        else folder.SaveBest(Model, updater, options, tokenizer, loss);
        best = (Step, loss);
    }

    private bool IsSound()
    {
        string? why = soundness.Problem(Step);
        if (why is not null && !isUnsound && !isFailing) context.Warn($"Step {Step}: {why}, so no snapshot is taken until that is better.");
        isUnsound = why is not null;
        return !isUnsound;
    }

    private void Follow(RunRecords records)
    {
        context.Warn($"'{options.Out}' was moved, removed or replaced while the run went on; it goes on in '{folder.Path}'.");
        best = null;
        records.Follow();
    }

    /// <summary>The failure itself is what is reported.</summary>
    private void SaveAfterFailure(RunRecords records)
    {
        if (updater.Torn || updater.InStep || Step <= savedStep) return;
        isFailing = true;
        try
        {
            Save(records, null);
            if (Step == savedStep) context.Output.WriteLine($"Step {Step} was saved to {folder.Path} before the end.");
        }
        catch (Exception e) when (e is InputException or NonFiniteException or IOException or OutOfMemoryException)
        {
            // the last snapshot is the one to go on from
        }
    }
}
