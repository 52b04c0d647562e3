using System.Text.Json.Nodes;

namespace TrainGpt;

/// <summary>What a snapshot says beside weights and optimizer state.</summary>
/// <param name="Model">The model's shape.</param>
/// <param name="Options">The run's settings, as used; those of <see cref="Phase.Place"/> and <see cref="Phase.Call"/> are left out.</param>
internal sealed record RunConfiguration(ModelConfig Model, JsonObject Options);

/// <summary>The folder of a run: the last two snapshots, <c>config.json</c> and <c>log.csv</c>.</summary>
internal sealed class RunFolder(string path)
{
    /// <summary>The file that repeats a run by <c>train --config</c>.</summary>
    public const string ConfigurationName = "config.json";

    /// <summary>Where <c>report</c> writes.</summary>
    public const string PageName = "run.html";

    /// <summary>
    /// What a run leaves, the newest snapshot after the previous one: while files are set aside, it stays the run's that the others are of.
    /// </summary>
    private static readonly string[] Names = [Snapshot.PreviousFileName, Snapshot.FileName, ConfigurationName, PageName, RunLog.FileName];

    /// <summary>
    /// Moves what another run left into a folder of its own within this one, so that a run that ends before its first snapshot is never
    /// taken for the other: neither's files are lost or mixed.
    /// </summary>
    /// <returns>The new folder, or null where there is nothing to move.</returns>
    /// <exception cref="InputException">The files cannot be moved.</exception>
    public string? SetAside()
    {
        string[] left = [.. Names.Where(name => File.Exists(Path.Combine(path, name)))];
        if (left.Length == 0) return null;
        string place = Enumerable.Range(1, int.MaxValue).Select(i => Path.Combine(path, $"run-{i}")).First(folder => !Path.Exists(folder));
        try
        {
            Directory.CreateDirectory(place);
            foreach (string name in left) File.Move(Path.Combine(path, name), Path.Combine(place, name));
            return place;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"Cannot move the run in '{path}' to '{place}': {e.Message}", e);
        }
    }

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
    public void Save(LanguageModel model, Updater updater, TrainOptions options, Tokenizer tokenizer) => Snapshot.Save(
        path, model.Parameters(), updater, updater.GlobalStep,
            new RunConfiguration(model.Config, ConfigurationFile.Write(options, Phase.Course)), tokenizer);

    /// <summary>Writes the settings of the run beside the snapshot.</summary>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void SaveConfiguration(TrainOptions options)
    {
        string file = Path.Combine(path, ConfigurationName), partial = file + ".partial";
        File.WriteAllText(partial, ConfigurationFile.Text(options));
        File.Move(partial, file, overwrite: true);
    }

    /// <summary>The settings that were written beside the snapshot, over those in it.</summary>
    /// <exception cref="InputException">They cannot be read.</exception>
    /// <exception cref="BadFileException">They are no JSON of settings.</exception>
    public TrainOptions ReadConfiguration(TrainOptions saved) =>
        Saved(ConfigurationFile.Read(Path.Combine(path, ConfigurationName)), saved);

    /// <summary>Opens the log, with the lines of the steps up to <paramref name="step"/> kept.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public RunLog OpenLog(long step) => new(Path.Combine(path, RunLog.FileName), step);

    /// <summary>Opens the newest whole snapshot with its shape, its settings and its tokenizer.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public (Snapshot Snapshot, ModelConfig Shape, TrainOptions Options, Tokenizer Tokenizer) Open(CommandContext context)
    {
        var snapshot = Snapshot.Open(path);
        if (snapshot.Warning is { } warning) context.Warn(warning);
        try
        {
            var configuration = snapshot.Configuration<RunConfiguration>();
            var options = BadFileException.Guard(snapshot.Path, "configuration", "it is impossible", () =>
            {
                ModelChoice.CheckClaims(configuration.Model, snapshot.WeightCount);
                return Saved(ConfigurationFile.Read(snapshot.Path, configuration.Options), new TrainOptions());
            });
            var tokenizer = snapshot.Tokenizer
                ?? throw new BadFileException(snapshot.Path, "tokenizer", "it is missing; the file is no snapshot of a training run.");
            if (tokenizer.VocabularySize != configuration.Model.VocabularySize)
                throw new BadFileException(
                    snapshot.Path, "tokenizer",
                        $"it has {tokenizer.VocabularySize} tokens, the model {configuration.Model.VocabularySize}.");
            return (snapshot, configuration.Model, options with { Vocabulary = tokenizer.VocabularySize }, tokenizer);
        }
        catch
        {
            snapshot.Dispose();
            throw;
        }
    }

    /// <summary>Earlier versions wrote no hash of the data.</summary>
    private static TrainOptions Saved(Given given, TrainOptions start) =>
        given.Has(Declaration.Of<TrainOptions>(nameof(TrainOptions.DataHash))) ? given.Over(start)
            : OptimizerChoice.Fitting(given.Over(start));
}
