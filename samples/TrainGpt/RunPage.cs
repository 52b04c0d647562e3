namespace TrainGpt;

/// <summary>The page about a run, from its folder and its model.</summary>
internal static class RunPage
{
    private const int SampleTokens = 400;

    /// <summary>
    /// Writes the page from the run's whole log, with a greedy and a random sample. Samples end where <paramref name="stop"/> is set, or
    /// are left out.
    /// </summary>
    /// <exception cref="InputException">The log cannot be read, or the page not be written.</exception>
    public static void Save(string page, TrainOptions options, LanguageModel model, Tokenizer tokenizer, CancellationToken stop)
    {
        RunSample[] samples = [new("Greedy", Sample(0)), new("At temperature 1", Sample(1))];
        new RunReport
        {
            Title = $"Mayfly: {options.Optimizer}, {model.Config.Layers} layers of width {model.Config.Width}",
            Points = RunSeries.Read(Path.Combine(options.Out, RunLog.FileName)),
            Settings = [.. Settings(options), .. ConfigurationFile.Notes(Path.Combine(options.Out, RunFolder.ConfigurationName))],
            Memory = StepPlan.Timeline(options, model.Config, null),
            Samples = [.. samples.Where(sample => sample.Text.Length > 0)],
        }.Save(page);

        string Sample(double temperature) => string.Concat(
            TextGenerator.Continue(model, tokenizer, "", SampleTokens, new Sampling { Seed = options.Seed, Temperature = temperature })
                .TakeWhile(_ => !stop.IsCancellationRequested));
    }

    /// <summary>Finds out whether a page can be written, before a run whose end it shows.</summary>
    /// <exception cref="InputException">It cannot.</exception>
    public static void CheckWritable(string page)
    {
        Files.CheckReplaceable(page);
        Files.CheckWritable(Path.GetDirectoryName(Path.GetFullPath(page))!);
    }

    private static KeyValuePair<string, string>[] Settings(TrainOptions options) =>
    [
        .. from option in Declaration.Of<TrainOptions>()
           where option.Phase >= Phase.Place
           select KeyValuePair.Create(option.Name, SettingText.Write(option.Get(options))),
    ];
}
