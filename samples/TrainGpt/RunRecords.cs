namespace TrainGpt;

/// <summary>
/// What a run records beside its snapshots: the log, its settings, event files and a page where they are asked for. A record that cannot be
/// written is said once, and the run goes on; log and events catch up when they can be written again.
/// </summary>
internal sealed class RunRecords : IDisposable
{
    private readonly TrainOptions options;
    private readonly RunFolder folder;
    private readonly CommandContext context;
    private readonly RunLog log;
    private readonly TensorBoardWriter? events;
    private readonly HashSet<string> failed = [];
    private bool hasConfiguration;

    /// <summary>Reads the log that is there and begins the event file; nothing of an earlier run is replaced yet.</summary>
    /// <exception cref="InputException">The log cannot be read, or the event file not be written.</exception>
    public RunRecords(TrainOptions options, RunFolder folder, long step, CommandContext context)
    {
        (this.options, this.folder, this.context) = (options, folder, context);
        log = new RunLog(Path.Combine(folder.Path, RunLog.FileName), step);
        if (options.Tensorboard is { } place) events = new TensorBoardWriter(place, step);
    }

    /// <summary>Begins the log.</summary>
    public void Begin() => Try("log", log.Begin);

    /// <summary>Records a step.</summary>
    public void Add(StepStatus status)
    {
        var report = status.Report;
        Try("log", () => log.Write(status));
        Try("events", () => events?.Write(new RunPoint(
            report.Step, report.Loss, status.ValidationLoss ?? double.NaN, report.LearningRate, status.TokensPerSecond, report.PeakBytes,
                status.LiveBytes) 
            {
                GradientNorm = report.GradientNorm, BitsPerByte = status.BitsPerByte ?? double.NaN,
                Accuracy = status.Accuracy ?? double.NaN,
            }));
    }

    /// <summary>Returns when the records are on the disk, so that they reach at least as far as the snapshot that is saved next.</summary>
    public void Flush()
    {
        Try("log", log.Flush);
        Try("events", () => events?.Flush());
    }

    /// <summary>Writes the settings, once a snapshot has them.</summary>
    public void AddConfiguration()
    {
        if (!hasConfiguration) Try("configuration", () => folder.SaveConfiguration(options));
        hasConfiguration = !failed.Contains("configuration");
    }

    /// <summary>Goes on in another folder.</summary>
    public void Follow()
    {
        Try("log", () => log.MoveTo(folder.Path));
        hasConfiguration = false;
    }

    /// <summary>Draws a step, if that is asked for.</summary>
    public void AddStep(ModelConfig shape, ArenaTrace step)
    {
        if (options.MemoryTimeline is { } file)
            Try("memory timeline", () => StepPlan.Timeline(options, shape, step).Save(folder.Inside(file)));
    }

    /// <summary>Writes the page, if it is asked for.</summary>
    public void Report(LanguageModel model, Tokenizer tokenizer, CancellationToken stop)
    {
        if (options.Report is { } page)
            Try("page", () => RunPage.Save(folder.Inside(page), options with { Out = folder.Path }, model, tokenizer, stop));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        log.Dispose();
        events?.Dispose();
    }

    private void Try(string record, Action write)
    {
        try
        {
            write();
            failed.Remove(record);
        }
        catch (InputException e)
        {
            if (failed.Add(record)) context.Warn($"{e.Message.TrimEnd('.')}. The run goes on without it.");
        }
    }
}
