namespace TrainGpt;

/// <summary>What a snapshot says beside weights and optimizer state.</summary>
/// <param name="Model">The model's shape.</param>
/// <param name="Options">The run's settings.</param>
internal sealed record RunConfiguration(GptConfig Model, TrainOptions Options);

/// <summary>The folder of a run: <c>snapshot.safetensors</c> and <c>log.csv</c>.</summary>
internal sealed class RunFolder(string path)
{
    /// <summary>Replaces the snapshot.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void Save(Gpt model, Updater updater, TrainOptions options, Tokenizer tokenizer) =>
        Snapshot.Save(path, model.Parameters(), updater, updater.GlobalStep, new RunConfiguration(model.Config, options), tokenizer);

    /// <summary>Opens the log, with the lines of the steps up to <paramref name="step"/> kept.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public RunLog OpenLog(long step) => new(Path.Combine(path, RunLog.FileName), step);

    /// <summary>Opens the snapshot with its configuration and tokenizer.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public (Snapshot Snapshot, RunConfiguration Configuration, Tokenizer Tokenizer) Open()
    {
        var snapshot = Snapshot.Open(path);
        try
        {
            var configuration = snapshot.Configuration<RunConfiguration>();
            configuration.Model.Check();
            configuration.Options.Check();
            var tokenizer = snapshot.Tokenizer ?? throw new BadFileException(snapshot.Path, "tokenizer", "it is missing; the file is no snapshot of a training run.");
            if (tokenizer.VocabularySize != configuration.Model.VocabularySize)
                throw new BadFileException(snapshot.Path, "tokenizer", $"it has {tokenizer.VocabularySize} tokens, the model {configuration.Model.VocabularySize}.");
            return (snapshot, configuration, tokenizer);
        }
        catch
        {
            snapshot.Dispose();
            throw;
        }
    }
}
