using System.Text.Json;

namespace Mayfly;

/// <summary>The model in the folder of a run: its last whole snapshot, or a named one.</summary>
internal static class SnapshotModel
{
    private const string ConfigurationField = "configuration", ShapeField = "Model", TokenizerField = "tokenizer";

    /// <summary>True for a folder with a snapshot, and for a snapshot by its name.</summary>
    public static bool Fits(string path) => Directory.Exists(path)
        ? Snapshot.Exists(path)
        : Path.GetFileName(path) is Snapshot.FileName or Snapshot.BestFileName or Snapshot.PreviousFileName;

    /// <summary>Opens one.</summary>
    /// <exception cref="InputException">It is damaged, or says nothing of the model's shape.</exception>
    public static PretrainedModel Open(string path)
    {
        string file = path;
        if (Directory.Exists(path))
            using (var newest = Snapshot.Open(path)) file = newest.Path;
        var reader = SnapshotReader.Open(file);
        try
        {
            if (reader.HasChecksums) reader.Verify();
            var tokenizer = reader.Metadata.TryGetValue(TokenizerField, out string? json) ? Tokenizer.FromJson(json, file) : null;
            return new PretrainedModel("mayfly", file, new Weights(reader), WeightMap.Own, Whole(reader, Shape(reader)), tokenizer);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Refuses what the commands of the run alone can read.</summary>
    private static ModelConfig Whole(SnapshotReader reader, ModelConfig shape)
    {
        string? problem = shape.Weights == DType.Int8 ? "its matrices are of int8 groups"
            : reader.Names.Any(name => name.Contains("lora_a.", StringComparison.Ordinal)) ? "it holds adapters without their model"
            : null;
        return problem is null ? shape : throw new BadFileException(
            reader.Path, ConfigurationField, $"{problem}, which the run's own commands read; export the run, and take what that writes.");
    }

    private static ModelConfig Shape(SnapshotReader reader) => BadFileException.Guard(
        reader.Path, ConfigurationField, "it is no shape of a model", () =>
        {
            if (!reader.Metadata.TryGetValue(ConfigurationField, out string? json)) throw new JsonException("it is missing.");
            using var document = JsonDocument.Parse(json);
            return document.RootElement.GetProperty(ShapeField).Deserialize<ModelConfig>()!;
        });

    private sealed class Weights(SnapshotReader reader) : IWeights
    {
        public IReadOnlyCollection<string> Names => [.. reader.Names.Where(name => !OptimizerTensors.Owns(name))];

        public string FileOf(string name) => reader.FileOf(name).Path;

        public long[]? Sizes(string name) => reader.FileOf(name).Entries.TryGetValue(name, out var entry) ? [.. entry.Sizes] : null;

        public void Read(string name, long start, Span<float> values) =>
            reader.FileOf(name).Read(reader.FileOf(name).Entry(name), start, values);

        public void Dispose() => reader.Dispose();
    }
}
