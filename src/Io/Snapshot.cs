using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly;

/// <summary>
/// A run on disk: weights, optimizer state, step, configuration and tokenizer in one safetensors file of a folder. Being one file, it is replaced
/// by one rename: weights never meet the optimizer state of another step. Weights have their parameters' names, so other programs read them as
/// they are; optimizer state has names in front that end in '/'; the rest is JSON in the file's metadata.
/// </summary>
public sealed class Snapshot : IDisposable
{
    /// <summary>The file's name in its folder.</summary>
    public const string FileName = "snapshot.safetensors";

    private const string Format = "mayfly snapshot 1", StepField = "step", FormatField = "format", ConfigurationField = "configuration", TokenizerField = "tokenizer";

    /// <summary>What is missing in a stored configuration, or misspelt, must not become a silent default.</summary>
    private static readonly JsonSerializerOptions Json = new()
    {
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private readonly SafeTensorsReader reader;

    private Snapshot(SafeTensorsReader reader)
    {
        this.reader = reader;
        string format = Field(FormatField);
        if (format != Format) throw Bad(FormatField, $"'{format}' is unknown; '{Format}' is needed.");
        if (!long.TryParse(Field(StepField), NumberStyles.None, CultureInfo.InvariantCulture, out long step)) throw Bad(StepField, $"'{Field(StepField)}' is no step number.");
        Step = step;
        Tokenizer = reader.Metadata.TryGetValue(TokenizerField, out string? json) ? Tokenizer.FromJson(json, reader.Path) : null;
    }

    /// <summary>The file.</summary>
    public string Path => reader.Path;

    /// <summary>The steps that were done.</summary>
    public long Step { get; }

    /// <summary>The tokenizer, or null where none was saved.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>True where training can go on from here: the file holds optimizer state, which may be empty.</summary>
    public bool HasOptimizer => reader.Metadata.ContainsKey(OptimizerTensors.Field);

    /// <summary>True where a folder has a snapshot.</summary>
    public static bool Exists(string folder) => File.Exists(System.IO.Path.Combine(folder, FileName));

    /// <summary>
    /// Writes a snapshot. It is written under a temporary name, flushed to the disk and then renamed: until the last moment an older one stays whole.
    /// </summary>
    /// <param name="folder">The folder; it is made where it is missing.</param>
    /// <param name="parameters">The weights.</param>
    /// <param name="updater">The optimizer, or null to save weights for use only.</param>
    /// <param name="step">The steps done.</param>
    /// <param name="configuration">What is needed to build the model again; any type System.Text.Json can write.</param>
    /// <param name="tokenizer">The tokenizer, or null.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    /// <exception cref="InvalidOperationException">The model is torn: its weights belong to no step.</exception>
    public static void Save<TConfiguration>(
        string folder, IReadOnlyList<Parameter> parameters, Updater? updater, long step, TConfiguration configuration, Tokenizer? tokenizer = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        if (updater is { Torn: true }) throw new InvalidOperationException("Snapshot: the model is torn, its weights partly old and partly new; load the last snapshot instead of saving this.");
        var writer = new SafeTensorsWriter();
        foreach (var parameter in parameters) writer.Add(parameter.Name, parameter.Value);
        if (updater is not null) OptimizerTensors.Add(writer, updater);
        writer.Metadata[FormatField] = Format;
        writer.Metadata[StepField] = step.ToString(CultureInfo.InvariantCulture);
        writer.Metadata[ConfigurationField] = JsonSerializer.Serialize(configuration, Json);
        if (tokenizer is not null) writer.Metadata[TokenizerField] = tokenizer.ToJson();
        writer.Save(System.IO.Path.Combine(folder, FileName));
    }

    /// <summary>Opens a folder's snapshot and checks everything but its numbers.</summary>
    /// <exception cref="InputException">There is none, or it cannot be read.</exception>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static Snapshot Open(string folder)
    {
        var reader = SafeTensorsReader.Open(System.IO.Path.Combine(folder, FileName));
        try
        {
            return new Snapshot(reader);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The configuration that was saved.</summary>
    /// <exception cref="BadFileException">It is not one of this type.</exception>
    public TConfiguration Configuration<TConfiguration>()
    {
        try
        {
            return JsonSerializer.Deserialize<TConfiguration>(Field(ConfigurationField), Json) ?? throw Bad(ConfigurationField, "it is null.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            throw new BadFileException(Path, ConfigurationField, e.Message, e);
        }
    }

    /// <summary>
    /// Overwrites the weights with the saved ones, to the bit, and the optimizer's state and step where an updater is given. All names, shapes and
    /// types are checked before anything is overwritten.
    /// </summary>
    /// <exception cref="BadFileException">The file's parameters or states are not the model's, or the file is damaged.</exception>
    public void Restore(IReadOnlyList<Parameter> parameters, Updater? updater = null)
    {
        foreach (var parameter in parameters) reader.Check(parameter.Name, parameter.Shape, parameter.Value.Type);
        var known = parameters.Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        if (reader.Entries.Keys.FirstOrDefault(name => !OptimizerTensors.Owns(name) && !known.Contains(name)) is { } other)
            throw Bad(other, $"the model has no such parameter among its {known.Count}.");
        if (updater is not null) OptimizerTensors.Check(reader, updater);

        foreach (var parameter in parameters) reader.ReadInto(parameter.Name, parameter.Value);
        if (updater is null) return;
        OptimizerTensors.Restore(reader, updater);
        updater.GlobalStep = Step;
        updater.MarkRestored();
    }

    /// <inheritdoc/>
    public void Dispose() => reader.Dispose();

    private string Field(string name) => reader.Metadata.TryGetValue(name, out string? value) ? value : throw Bad(name, "the file's metadata lacks it; it is no snapshot.");

    private BadFileException Bad(string field, string problem) => new(Path, field, problem);
}
