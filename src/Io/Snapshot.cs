using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly;

/// <summary>
/// A run on disk: weights, optimizer state, step, configuration and tokenizer in one safetensors file of a folder. Being one file, it is
/// replaced by one rename: weights never meet the optimizer state of another step. That of a model which is divided among ranks is one file
/// too, which names those that the ranks have written, and comes last. The one before it stays as the previous one, which is
/// opened where the newest is missing or damaged; checksums tell. Weights have their parameters' names, so other programs read them as they
/// are; optimizer state has names in front that end in '/'; the rest is JSON in the file's metadata.
/// </summary>
public sealed class Snapshot : IDisposable
{
    /// <summary>The file's name in its folder.</summary>
    public const string FileName = "snapshot.safetensors";

    /// <summary>The name of the one that was saved before it.</summary>
    public const string PreviousFileName = "snapshot.previous.safetensors";

    /// <summary>The name of the one with the least validation loss so far, where that is measured.</summary>
    public const string BestFileName = "snapshot.best.safetensors";

    internal const string StepField = "step";

    private const string ConfigurationField = "configuration", TokenizerField = "tokenizer",
        ValidationLossField = "validation_loss";

    /// <summary>What is missing in a stored configuration, or misspelt, must not become a silent default.</summary>
    private static readonly JsonSerializerOptions Json = new()
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private readonly SnapshotReader reader;
    private readonly SnapshotVersion version;

    private Snapshot(SnapshotReader reader, int rank, int ranks)
    {
        this.reader = reader;
        if (reader.HasChecksums) reader.Verify(rank, ranks); // before any of it is believed
        version = SnapshotVersion.Of(reader);
        if (version.NeedsChecksums && !reader.HasChecksums) reader.Verify();
        if (!long.TryParse(Field(StepField), NumberStyles.None, CultureInfo.InvariantCulture, out long step))
            throw Bad(StepField, $"'{Field(StepField)}' is no step number.");
        Step = step;
        ValidationLoss = reader.Metadata.TryGetValue(ValidationLossField, out string? said) ? Loss(said) : null;
        Tokenizer = reader.Metadata.TryGetValue(TokenizerField, out string? json) ? Tokenizer.FromJson(json, reader.Path) : null;
    }

    /// <summary>The file.</summary>
    public string Path => reader.Path;

    /// <summary>Why this is the previous snapshot and not the newest, in one line; null where it is the newest.</summary>
    public string? Warning { get; private init; }

    /// <summary>The steps that were done.</summary>
    public long Step { get; }

    /// <summary>The validation loss of these weights, or null where it was not measured.</summary>
    public double? ValidationLoss { get; }

    /// <summary>The tokenizer, or null where none was saved.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>True where training can go on from here: the file holds optimizer state, which may be empty.</summary>
    public bool HasOptimizer => reader.Metadata.ContainsKey(OptimizerTensors.Field);

    /// <summary>
    /// The number of weights in the file, all parameters together, those of <see cref="DType.Int8"/> with the bytes of their scales: no
    /// model for it has more.
    /// </summary>
    public long WeightCount =>
        reader.Entries.Where(entry => !OptimizerTensors.Owns(entry.Name)).Sum(entry => entry.Count);

    /// <summary>The names of all snapshots that a folder may have.</summary>
    internal static readonly string[] FileNames = [FileName, PreviousFileName, BestFileName];

    /// <summary>True where a folder has a snapshot, be it the previous one only.</summary>
    public static bool Exists(string folder) => File.Exists(Newest(folder)) || File.Exists(Previous(folder));

    /// <summary>
    /// Writes a snapshot under a temporary name and flushes it to the disk. Then the newest becomes the previous one, if it is whole, and
    /// the new one the newest: at every moment a whole snapshot has one of the two names. Weights and states that are not finite are not
    /// saved, so that they never take the place of good ones.
    /// </summary>
    /// <param name="folder">The folder; it is made where it is missing.</param>
    /// <param name="parameters">The weights.</param>
    /// <param name="updater">The optimizer, or null to save weights for use only.</param>
    /// <param name="step">The steps done.</param>
    /// <param name="configuration">What is needed to build the model again; any type System.Text.Json can write.</param>
    /// <param name="tokenizer">The tokenizer, or null.</param>
    /// <param name="validationLoss">The validation loss of these weights, or null where it was not measured.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN; the message names it.</exception>
    /// <exception cref="InvalidOperationException">A step is open or the model is torn: its weights belong to no step.</exception>
    public static void Save<TConfiguration>(
        string folder, IReadOnlyList<Parameter> parameters, Updater? updater, long step, TConfiguration configuration,
            Tokenizer? tokenizer = null, double? validationLoss = null) =>
        Save(folder, Writer(parameters, updater, step, configuration, tokenizer, validationLoss), () => IsWhole(folder));

    /// <summary>Like <see cref="Save"/>, but as the best one; the newest and the previous one stay.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    /// <exception cref="NonFiniteException">A weight or a state has an infinity or NaN; the message names it.</exception>
    /// <exception cref="InvalidOperationException">A step is open or the model is torn: its weights belong to no step.</exception>
    public static void SaveBest<TConfiguration>(
        string folder, IReadOnlyList<Parameter> parameters, Updater? updater, long step, TConfiguration configuration,
            Tokenizer? tokenizer, double validationLoss) =>
        SaveBest(folder, Writer(parameters, updater, step, configuration, tokenizer, validationLoss));

    /// <summary>Makes the newest one the best one too, by a second name of the file where the file system has such.</summary>
    /// <exception cref="InputException">It cannot be written.</exception>
    public static void KeepBest(string folder)
    {
        Files.Duplicate(Newest(folder), Best(folder));
        SnapshotParts.Clear(folder);
    }

    /// <summary>The names of the files that a folder's snapshots of divided models name, and of those that were not finished.</summary>
    public static IReadOnlyList<string> PartsIn(string folder) => SnapshotParts.In(folder);

    /// <summary>Deletes what snapshots that were not finished have left in a folder, in which nobody is saving one.</summary>
    public static void ClearParts(string folder) => SnapshotParts.Clear(folder);

    /// <summary>Puts a file in the place of the newest one, which becomes the previous one if it is whole.</summary>
    internal static void Save(string folder, SafeTensorsWriter writer, Func<bool> isWhole)
    {
        writer.Save(Newest(folder), () => KeepPrevious(folder, isWhole));
        SnapshotParts.Clear(folder);
    }

    /// <summary>Puts a file in the place of the best one.</summary>
    internal static void SaveBest(string folder, SafeTensorsWriter writer)
    {
        writer.Save(Best(folder));
        SnapshotParts.Clear(folder);
    }

    /// <summary>What a snapshot has.</summary>
    internal static SafeTensorsWriter Writer<TConfiguration>(
        IReadOnlyList<Parameter> parameters, Updater? updater, long step, TConfiguration configuration, Tokenizer? tokenizer,
            double? validationLoss)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (updater is not null) CheckBetweenSteps(updater);
        var writer = new SafeTensorsWriter { HasChecksums = true, MustBeFinite = true };
        foreach (var parameter in parameters) writer.Add(parameter.Name, parameter.Value);
        if (updater is not null) OptimizerTensors.Add(writer, updater);
        SnapshotVersion.Put(writer.Metadata);
        writer.Metadata[StepField] = step.ToString(CultureInfo.InvariantCulture);
        writer.Metadata[ConfigurationField] = JsonSerializer.Serialize(configuration, Json);
        if (tokenizer is not null) writer.Metadata[TokenizerField] = tokenizer.ToJson();
        if (validationLoss is { } loss) writer.Metadata[ValidationLossField] = loss.ToString("R", CultureInfo.InvariantCulture);
        return writer;
    }

    /// <summary>
    /// Opens a folder's newest snapshot and checks every byte of it. Where it is missing or damaged the previous one is opened, with a
    /// <see cref="Warning"/>.
    /// </summary>
    /// <exception cref="InputException">There is none, it cannot be read, or a newer version of Mayfly wrote it.</exception>
    /// <exception cref="BadFileException">It is damaged, and there is no whole one before it.</exception>
    public static Snapshot Open(string folder)
    {
        try
        {
            return OpenFile(Newest(folder), null);
        }
        catch (InputException newest) when (newest is not NewerFileException && File.Exists(Previous(folder)))
        {
            return OpenPrevious(folder, newest);
        }
    }

    /// <summary>Opens a folder's best snapshot and checks every byte of it.</summary>
    /// <exception cref="InputException">There is none, or it cannot be read.</exception>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static Snapshot OpenBest(string folder) => OpenFile(Best(folder), null);

    private static string Newest(string folder) => System.IO.Path.Combine(folder, FileName);

    private static string Previous(string folder) => System.IO.Path.Combine(folder, PreviousFileName);

    private static string Best(string folder) => System.IO.Path.Combine(folder, BestFileName);

    private static Snapshot OpenPrevious(string folder, InputException newest)
    {
        try
        {
            return OpenFile(Previous(folder), $"{newest.Message} The previous snapshot is used instead.");
        }
        catch (InputException previous)
        {
            throw new InputException($"{newest.Message} The previous one is no help: {previous.Message}", newest);
        }
    }

    /// <summary>A damaged newest one must not push out a whole previous one, which may be all that is left.</summary>
    private static void KeepPrevious(string folder, Func<bool> isWhole)
    {
        if (!File.Exists(Newest(folder)) || !isWhole()) return;
        Files.CheckReplaceable(Previous(folder));
        Disk.Current.Rename(Newest(folder), Previous(folder));
    }

    /// <summary>True where what one of several processes has to look at of the newest one is whole.</summary>
    internal static bool IsWhole(string folder, int rank = 0, int ranks = 1)
    {
        try
        {
            OpenFile(Newest(folder), null, rank, ranks).Dispose();
            return true;
        }
        catch (InputException)
        {
            return false;
        }
    }

    private static void CheckBetweenSteps(Updater updater)
    {
        if (updater.InStep)
            throw new InvalidOperationException($"Snapshot: step {updater.GlobalStep} is open, "
                + "so weights and optimizer state may be of two steps; save after its End.");
        if (updater.Torn)
            throw new InvalidOperationException("Snapshot: the model is torn, its weights partly old and partly new; "
                + "load the last snapshot instead of saving this.");
    }

    private static Snapshot OpenFile(string file, string? warning, int rank = 0, int ranks = 1)
    {
        var reader = SnapshotReader.Open(file);
        try
        {
            return new Snapshot(reader, rank, ranks) { Warning = warning };
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The configuration that was saved.</summary>
    /// <exception cref="BadFileException">It is not one of this type.</exception>
    public TConfiguration Configuration<TConfiguration>() => BadFileException.Guard(
        Path, ConfigurationField, $"it is none that is read here{version.Remark}", () =>
            JsonSerializer.Deserialize<TConfiguration>(Field(ConfigurationField), Json) ?? throw Bad(ConfigurationField, "it is null."));

    /// <summary>
    /// Overwrites the weights with the saved ones, to the bit, and the optimizer's state and step where an updater is given. All names,
    /// shapes and types are checked before anything is overwritten.
    /// </summary>
    /// <exception cref="BadFileException">The file's parameters or states are not the model's, or the file is damaged.</exception>
    public void Restore(IReadOnlyList<Parameter> parameters, Updater? updater = null)
    {
        foreach (var parameter in parameters) reader.Check(parameter.Name, parameter.Shape, parameter.Value.Type);
        var known = parameters.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        if (reader.Names.FirstOrDefault(name => !OptimizerTensors.Owns(name) && !known.Contains(name)) is { } other)
            throw Bad(other, $"the model has no such parameter among its {known.Count}.");
        if (updater is not null) OptimizerTensors.Check(reader, updater);

        if (updater is not null) OptimizerSettings.Restore(reader, updater);
        foreach (var parameter in parameters) reader.ReadInto(parameter.Name, parameter.Value);
        if (updater is null) return;
        OptimizerTensors.Restore(reader, updater);
        updater.GlobalStep = Step;
        updater.MarkRestored();
    }

    /// <inheritdoc/>
    public void Dispose() => reader.Dispose();

    private double Loss(string said) => double.TryParse(said, NumberStyles.Float, CultureInfo.InvariantCulture, out double loss) ? loss
        : throw Bad(ValidationLossField, $"'{said}' is no number.");

    private string Field(string name) => reader.Metadata.TryGetValue(name, out string? value) ? value
        : throw Bad(name, "the file's metadata lacks it; it is no snapshot.");

    private BadFileException Bad(string field, string problem) => new(Path, field, problem);
}
