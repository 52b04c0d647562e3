namespace TrainGpt;

/// <summary>What a run records beside its log, where it is asked for: event files during the run, a page at its end.</summary>
internal sealed class RunRecords : IDisposable
{
    private readonly TrainOptions options;
    private readonly TensorBoardWriter? events;

    /// <summary>Begins the event file.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public RunRecords(TrainOptions options, long step)
    {
        this.options = options;
        if (options.Tensorboard is { } folder) events = new TensorBoardWriter(folder, step);
    }

    /// <summary>Records a step.</summary>
    public StepStatus Add(StepStatus status)
    {
        var report = status.Report;
        events?.Write(new RunPoint(
            report.Step, report.Loss, status.ValidationLoss ?? double.NaN, report.LearningRate, status.TokensPerSecond, report.PeakBytes,
                status.LiveBytes) { GradientNorm = report.GradientNorm });
        return status;
    }

    /// <summary>Writes the page, if it is asked for.</summary>
    public void Report(LanguageModel model, Tokenizer tokenizer, CancellationToken stop)
    {
        if (options.Report is { } page) RunPage.Save(page, options, model, tokenizer, stop);
    }

    /// <inheritdoc/>
    public void Dispose() => events?.Dispose();
}
