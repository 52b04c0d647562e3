using System.Text;
using System.Text.Json.Nodes;

namespace TrainGpt;

/// <summary>What a snapshot says beside weights and optimizer state.</summary>
/// <param name="Model">The model's shape.</param>
/// <param name="Options">The run's settings, as used; those of <see cref="Phase.Place"/> and <see cref="Phase.Call"/> are left out.</param>
internal sealed record RunConfiguration(ModelConfig Model, JsonObject Options);

/// <summary>
/// The folder of a run: the last two snapshots and the best one, <c>config.json</c> and <c>log.csv</c>. Who writes in it owns it first.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    /// <summary>The file that repeats a run by <c>train --config</c>.</summary>
    public const string ConfigurationName = "config.json";

    /// <summary>Where <c>report</c> writes.</summary>
    public const string PageName = "run.html";

    private const string Unfinished = ".partial", AsideName = "run-", RescueName = "-rescued";

    /// <summary>
    /// What a run leaves, the newest snapshot after the others: while files are set aside, it stays the run's that the others are of.
    /// </summary>
    private static readonly string[] Names = [Snapshot.PreviousFileName, Snapshot.BestFileName, Snapshot.FileName, ConfigurationName,
        PageName, RunLog.FileName];

    private readonly string asked;
    private FolderLock? owner;

    /// <summary>Nothing is made or taken yet.</summary>
    public RunFolder(string path) => Path = asked = path;

    /// <summary>Where it is.</summary>
    public string Path { get; private set; }

    /// <summary>
    /// Keeps all others from writing in the folder, which is made where it is missing, until this is disposed; and brings back what was
    /// being set aside when a run died, and clears what it had half written.
    /// </summary>
    /// <exception cref="InputException">Another process has it, or it cannot be written.</exception>
    public void Own()
    {
        owner ??= FolderLock.Take(Path);
        foreach (string half in Directory.GetDirectories(Path, $"{AsideName}*{Unfinished}")) BringBack(half);
        foreach (string name in Names) Files.ClearPartials(In(Path, name));
        Snapshot.ClearParts(Path);
        Residency.ClearLeft(In(Path, WorkingFile.Name));
    }

    /// <summary>
    /// Moves what another run left into a folder of its own within this one, so that a run that ends before its first snapshot is never
    /// taken for the other: neither's files are lost or mixed. That folder has its name when all files are in it.
    /// </summary>
    /// <returns>The new folder, or null where there is nothing to move.</returns>
    /// <exception cref="InputException">The files cannot be moved.</exception>
    public string? SetAside()
    {
        string[] left = [.. Names.Where(name => File.Exists(In(Path, name))), .. Snapshot.PartsIn(Path)];
        if (left.Length == 0) return null;
        string place = Free(i => In(Path, $"{AsideName}{i}")), half = place + Unfinished;
        foreach (string name in left) Files.Move(In(Path, name), In(half, name));
        Files.Move(half, place);
        return place;
    }

    /// <summary>
    /// Where the folder was moved, removed or replaced under a run, takes one of its own beside it, <c>OUT-rescued</c>: the name is
    /// somebody else's now.
    /// </summary>
    /// <returns>True where it did.</returns>
    /// <exception cref="InputException">It cannot be made.</exception>
    public bool Follow()
    {
        if (owner is not { IsLost: true } lost) return false;
        string place = System.IO.Path.TrimEndingDirectorySeparator(Path) + RescueName;
        owner = FolderLock.Take(Free(i => i == 1 ? place : $"{place}-{i}"));
        Path = owner.Folder;
        lost.Dispose();
        return true;
    }

    /// <summary>Takes the folder of a name beside the one that was asked for, which another process owns.</summary>
    /// <returns>True where it is another one than before.</returns>
    public bool GoTo(string name)
    {
        string before = System.IO.Path.TrimEndingDirectorySeparator(Path);
        if (System.IO.Path.GetFileName(before) == name) return false;
        Path = In(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(before))!, name);
        return true;
    }

    /// <summary>The path of a file, which is in the folder where it was named so before the folder was moved.</summary>
    public string Inside(string file) => Path != asked && IsFolderOf(asked, file) ? In(Path, System.IO.Path.GetFileName(file)) : file;

    /// <summary>Saves a snapshot; the one before it stays as the previous one.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN.</exception>
    public void Save(LanguageModel model, Updater updater, TrainOptions options, Tokenizer tokenizer, double? validationLoss) =>
        Snapshot.Save(Path, FineTuning.Saved(options, model), updater, updater.GlobalStep, Configuration(model, options), tokenizer,
            validationLoss);

    /// <summary>Saves the best snapshot; the others stay.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN.</exception>
    public void SaveBest(LanguageModel model, Updater updater, TrainOptions options, Tokenizer tokenizer, double validationLoss) =>
        Snapshot.SaveBest(Path, FineTuning.Saved(options, model), updater, updater.GlobalStep, Configuration(model, options), tokenizer,
            validationLoss);

    /// <summary>Saves a snapshot of a model that is divided among processes, of which each writes its part.</summary>
    /// <exception cref="InputException">One cannot write.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN.</exception>
    public void SaveParts(
        DataParallel exchange, LanguageModel model, Updater updater, TrainOptions options, Tokenizer tokenizer, double? validationLoss) =>
        ShardedSnapshot.Save(exchange, Path, FineTuning.Saved(options, model), updater, updater.GlobalStep,
            Configuration(model, options), tokenizer, validationLoss);

    /// <summary>Saves the best snapshot so.</summary>
    /// <exception cref="InputException">One cannot write.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN.</exception>
    public void SaveBestParts(
        DataParallel exchange, LanguageModel model, Updater updater, TrainOptions options, Tokenizer tokenizer, double validationLoss) =>
        ShardedSnapshot.SaveBest(exchange, Path, FineTuning.Saved(options, model), updater, updater.GlobalStep,
            Configuration(model, options), tokenizer, validationLoss);

    /// <summary>The step and the validation loss of the best snapshot, or null where there is no whole one.</summary>
    public (long Step, double Loss)? Best()
    {
        try
        {
            using var best = Snapshot.OpenBest(Path);
            return best.ValidationLoss is { } loss ? (best.Step, loss) : null;
        }
        catch (InputException)
        {
            return null;
        }
    }

    /// <summary>Writes the settings of the run beside the snapshot.</summary>
    /// <exception cref="InputException">They cannot be written.</exception>
    public void SaveConfiguration(TrainOptions options)
    {
        byte[] text = Encoding.UTF8.GetBytes(ConfigurationFile.Text(options));
        Files.Replace(In(Path, ConfigurationName), stream => stream.Write(text));
    }

    /// <inheritdoc/>
    public void Dispose() => owner?.Dispose();

    /// <summary>Undoes what a run began that died while it set another aside.</summary>
    private void BringBack(string half)
    {
        string[] left = [.. Snapshot.PartsIn(half), .. Names];
        foreach (string name in left.Where(name => File.Exists(In(half, name)) && !File.Exists(In(Path, name))))
            Files.Move(In(half, name), In(Path, name));
        if (!Directory.EnumerateFileSystemEntries(half).Any()) Directory.Delete(half);
    }

    private static RunConfiguration Configuration(LanguageModel model, TrainOptions options) =>
        new(model.Config, ConfigurationFile.Write(options, Phase.Course));

    private static bool IsFolderOf(string folder, string file) =>
        System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file))
            == System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));

    private static string Free(Func<int, string> name) => Enumerable.Range(1, int.MaxValue).Select(name)
        .First(folder => !System.IO.Path.Exists(folder) && !System.IO.Path.Exists(folder + Unfinished));

    private static string In(string folder, string name) => System.IO.Path.Combine(folder, name);

    /// <summary>The settings that were written beside the snapshot, over those in it.</summary>
    /// <exception cref="InputException">They cannot be read.</exception>
    /// <exception cref="BadFileException">They are no JSON of settings.</exception>
    public TrainOptions ReadConfiguration(TrainOptions saved) =>
        Saved(ConfigurationFile.Read(In(Path, ConfigurationName)), saved);

    /// <summary>Opens the newest whole snapshot, or the best one, with its shape, its settings and its tokenizer.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public (Snapshot Snapshot, ModelConfig Shape, TrainOptions Options, Tokenizer Tokenizer) Open(
        CommandContext context, SnapshotChoice from)
    {
        var snapshot = from == SnapshotChoice.Best ? Snapshot.OpenBest(Path) : Snapshot.Open(Path);
        if (snapshot.Warning is { } warning) context.Warn(warning);
        try
        {
            var configuration = snapshot.Configuration<RunConfiguration>();
            var options = Checked(snapshot, configuration);
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

    /// <summary>The settings of a snapshot, once they and the shape are found possible: messages name the file.</summary>
    private static TrainOptions Checked(Snapshot snapshot, RunConfiguration configuration)
    {
        const string field = "configuration";
        try
        {
            return BadFileException.Guard(snapshot.Path, field, "it is impossible", () =>
            {
                var options = Saved(ConfigurationFile.Read(snapshot.Path, configuration.Options), new TrainOptions());
                ModelChoice.CheckClaims(configuration.Model, FineTuning.HasAdapters(options) ? long.MaxValue : snapshot.WeightCount);
                return options;
            });
        }
        catch (InputException e) when (e is not BadFileException)
        {
            throw new BadFileException(snapshot.Path, field, e.Message, e);
        }
    }

    /// <summary>Earlier versions wrote no hash of the data.</summary>
    private static TrainOptions Saved(Given given, TrainOptions start) =>
        given.Has(Declaration.Of<TrainOptions>(nameof(TrainOptions.DataHash))) ? given.Over(start)
            : OptimizerChoice.Fitting(given.Over(start));
}
