using System.Text.Json;

namespace TrainGpt;

/// <summary>What a run records beside its log, where it is asked for: event files during the run, a page at its end.</summary>
internal sealed class RunRecords : IDisposable
{
    private const int SampleTokens = 400;
    private readonly TrainOptions options;
    private readonly string configuration;
    private readonly TensorBoardWriter? events;

    /// <summary>Begins the event file, and finds out early whether the page can be written.</summary>
    /// <exception cref="InputException">A file cannot be written.</exception>
    public RunRecords(TrainOptions options, string configuration, long step)
    {
        (this.options, this.configuration) = (options, configuration);
        if (options.Report is { } page && Directory.Exists(page)) throw new InputException($"--report {page} is a folder; name a file.");
        if (options.TensorBoard is { } folder) events = new TensorBoardWriter(folder, step);
    }

    /// <summary>Records a step.</summary>
    public StepStatus Add(StepStatus status)
    {
        var report = status.Report;
        events?.Write(new RunPoint(
            report.Step, report.Loss, status.ValidationLoss ?? double.NaN, report.LearningRate, status.TokensPerSecond, report.PeakBytes, status.LiveBytes));
        return status;
    }

    /// <summary>Writes the page from the run's whole log, with a greedy and a random sample.</summary>
    public void Report(LanguageModel model, Tokenizer tokenizer)
    {
        if (options.Report is not { } page) return;
        new RunReport
        {
            Title = $"Mayfly: {options.Optimizer}, {options.Layers} layers of width {options.Width}",
            Points = RunSeries.Read(Path.Combine(options.Out, RunLog.FileName)),
            Settings = Settings(),
            Samples = [new RunSample("Greedy", Sample(model, tokenizer, 0)), new RunSample("At temperature 1", Sample(model, tokenizer, 1))],
        }.Save(page);
    }

    /// <inheritdoc/>
    public void Dispose() => events?.Dispose();

    private string Sample(LanguageModel model, Tokenizer tokenizer, double temperature) => string.Concat(
        TextGenerator.Continue(model, tokenizer, "", SampleTokens, new Sampling { Seed = options.Seed, Temperature = temperature }));

    private KeyValuePair<string, string>[] Settings()
    {
        using var json = JsonDocument.Parse(configuration);
        return [.. json.RootElement.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, p.Value.ToString()))];
    }
}
