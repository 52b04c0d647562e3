using System.Diagnostics;

namespace TrainGpt;

/// <summary>The state of a run after a step.</summary>
/// <param name="Report">What the step did.</param>
/// <param name="ValidationLoss">The validation loss, where it was measured after this step.</param>
/// <param name="TokensPerSecond">Tokens of the step by its time.</param>
/// <param name="LiveBytes">Bytes in use between steps.</param>
internal sealed record StepStatus(StepReport Report, double? ValidationLoss, double TokensPerSecond, long LiveBytes);

/// <summary>The training loop of one run: steps, evaluations, the log and snapshots.</summary>
internal sealed class Trainer : IDisposable
{
    private readonly TrainOptions options;
    private readonly RunFolder folder;
    private readonly Tokenizer tokenizer;
    private readonly Batches batches;
    private readonly Evaluator evaluator;
    private readonly Updater updater;
    private readonly Func<int, Tensor> loss;
    private long savedStep, clock, stepsOnClock;
    private bool hasSavedConfiguration;

    /// <summary>Prepares a run with its settings as used; nothing is written yet.</summary>
    /// <exception cref="InputException">The data is too short.</exception>
    public Trainer(TrainOptions options, LanguageModel model, Tokenizer tokenizer, TokenStream data)
    {
        (this.options, this.tokenizer, Model) = (options, tokenizer, model);
        folder = new RunFolder(options.Out);
        batches = data.TrainBatches(options.Batch, model.Context, options.Seed);
        evaluator = new Evaluator(model, data, options.Batch);
        updater = new Updater(model.Parameters(), OptimizerChoice.Route(options), new UpdaterOptions
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
            LossScale = options.ConstantLossScale,
            DynamicLossScale = options.DynamicLossScale,
        });
        loss = MicroBatchLoss;
    }

    /// <summary>The model.</summary>
    public LanguageModel Model { get; }

    /// <summary>The steps done.</summary>
    public long Step => updater.GlobalStep;

    /// <summary>Which rule trains which parameters, what its state costs, and the price of accumulation and clipping.</summary>
    public string Plan => updater.Summary();

    /// <summary>True where the folder has a snapshot of this run.</summary>
    public bool HasSaved => savedStep > 0;

    /// <summary>Takes weights, optimizer state and step from a snapshot.</summary>
    /// <exception cref="InputException">It does not fit, or the run is over.</exception>
    public void Restore(Snapshot snapshot)
    {
        snapshot.Restore(Model.Parameters(), updater);
        savedStep = Step;
        if (Step >= options.Steps) throw new InputException(
            $"{snapshot.Path} has done {Step} steps already; give --steps a larger number to go on.");
    }

    /// <summary>
    /// Trains up to the last step, or to the end of the step in which <paramref name="stop"/> is set. Ends with a snapshot.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was stopped before the first step.</exception>
    /// <exception cref="InputException">The folder cannot be written.</exception>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    public void Run(Action<StepStatus> progress, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        using var log = folder.OpenLog(Step);
        StartClock();
        while (Step < options.Steps && !stop.IsCancellationRequested)
        {
            if (Next(stop) is not { } status) continue;
            log.Write(status);
            if (Step % options.StepsBetweenSnapshots == 0) Save();
            progress(status);
            StartClock();
        }

        if (Step > savedStep) Save();
    }

    /// <inheritdoc/>
    public void Dispose() => updater.Dispose();

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

    private void Save()
    {
        folder.Save(Model, updater, options, tokenizer);
        savedStep = Step;
        if (!hasSavedConfiguration) folder.SaveConfiguration(options);
        hasSavedConfiguration = true;
    }
}
