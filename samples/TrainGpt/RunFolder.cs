namespace TrainGpt;

/// <summary>What a snapshot says beside weights and optimizer state.</summary>
/// <param name="Model">The model's shape.</param>
/// <param name="Options">The run's settings.</param>
internal sealed record RunConfiguration(ModelConfig Model, TrainOptions Options);

/// <summary>The folder of a run: the last two snapshots, <c>config.json</c> and <c>log.csv</c>.</summary>
internal sealed class RunFolder(string path)
{
    /// <summary>The file that repeats a run by <c>train --config</c>.</summary>
    public const string ConfigurationName = "config.json";

    /// <summary>True where a run left a snapshot.</summary>
    public bool HasSnapshot => Snapshot.Exists(path);

    /// <summary>Finds out whether the folder can be written, before hours of training depend on it. What is in it stays.</summary>
    /// <exception cref="InputException">It cannot.</exception>
    public void CheckWritable()
    {
        string probe = Path.Combine(path, "writable.probe");
        try
        {
            Directory.CreateDirectory(path);
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"Cannot write to the folder '{path}': {e.Message}", e);
        }
    }

    /// <summary>Saves a snapshot; the one before it stays as the previous one.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public void Save(LanguageModel model, Updater updater, TrainOptions options, Tokenizer tokenizer) =>
        Snapshot.Save(path, model.Parameters(), updater, updater.GlobalStep, new RunConfiguration(model.Config, options), tokenizer);

    /// <summary>Writes the settings of the run beside the snapshot.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void SaveConfiguration(string json)
    {
        string file = Path.Combine(path, ConfigurationName), partial = file + ".partial";
        File.WriteAllText(partial, json);
        File.Move(partial, file, overwrite: true);
    }

    /// <summary>Opens the log, with the lines of the steps up to <paramref name="step"/> kept.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public RunLog OpenLog(long step) => new(Path.Combine(path, RunLog.FileName), step);

    /// <summary>Opens the newest whole snapshot with its configuration and tokenizer.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public (Snapshot Snapshot, RunConfiguration Configuration, Tokenizer Tokenizer) Open(CommandContext context)
    {
        var snapshot = Snapshot.Open(path);
        if (snapshot.Warning is { } warning) context.Warn(warning);
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
