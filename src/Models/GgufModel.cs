namespace Mayfly;

/// <summary>GGUF files of the architectures llama and gpt2.</summary>
internal static class GgufModel
{
    private const string ArchitectureField = "general.architecture";

    private static readonly Dictionary<string, Func<GgufReader, (ModelConfig, WeightMap)>> Architectures = new()
    {
        ["gpt2"] = file => (Gpt2(file), WeightMap.GgufGpt2),
        ["llama"] = file => (Llama(file), WeightMap.GgufLlama),
    };

    /// <summary>Opens one.</summary>
    /// <exception cref="BadFileException">It is damaged, or of another architecture.</exception>
    public static PretrainedModel Open(string path)
    {
        var file = GgufReader.Open(path);
        try
        {
            string name = Get<string>(file, ArchitectureField);
            if (!Architectures.TryGetValue(name, out var read)) throw new BadFileException(
                path, ArchitectureField, $"'{name}' is not supported; known are {string.Join(", ", Architectures.Keys)}.");
            var (shape, map) = read(file);
            return new PretrainedModel("gguf", path, new Weights(file), map, shape, GgufVocabulary.Read(file))
            {
                ChatTemplate = file.Fields.GetValueOrDefault("tokenizer.chat_template") as string,
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static GptConfig Gpt2(GgufReader file)
    {
        const string Prefix = "gpt2.";
        if (Optional(file, Prefix + "attention.layer_norm_epsilon", 1e-5) is var epsilon && (float)epsilon != 1e-5f)
            throw new BadFileException(file.Path, Prefix + "attention.layer_norm_epsilon", $"{epsilon} is not supported; only 1e-5 is.");
        return new GptConfig
        {
            VocabularySize = Vocabulary(file),
            Context = Size(file, Prefix + "context_length"),
            Layers = Size(file, Prefix + "block_count"),
            Heads = Size(file, Prefix + "attention.head_count"),
            Width = Size(file, Prefix + "embedding_length"),
            Hidden = Size(file, Prefix + "feed_forward_length"),
        };
    }

    private static LlamaConfig Llama(GgufReader file)
    {
        const string Prefix = "llama.";
        foreach (string field in file.Fields.Keys.Where(name => name.StartsWith(Prefix + "rope.scaling.", StringComparison.Ordinal)))
            throw new BadFileException(file.Path, field, "scaled rotary positions are not supported.");
        var shape = new LlamaConfig
        {
            VocabularySize = Vocabulary(file),
            Context = Size(file, Prefix + "context_length"),
            Layers = Size(file, Prefix + "block_count"),
            Heads = Size(file, Prefix + "attention.head_count"),
            KvHeads = (int)Optional(file, Prefix + "attention.head_count_kv", 0L),
            Width = Size(file, Prefix + "embedding_length"),
            Hidden = Size(file, Prefix + "feed_forward_length"),
            Epsilon = (float)Optional(file, Prefix + "attention.layer_norm_rms_epsilon", 1e-5),
            Theta = Optional(file, Prefix + "rope.freq_base", 10000.0),
        };
        if (Optional(file, Prefix + "rope.dimension_count", (long)(shape.Width / shape.Heads)) != shape.Width / shape.Heads)
            throw new BadFileException(
                file.Path, Prefix + "rope.dimension_count", "rotary positions of a part of a head are not supported.");
        return shape;
    }

    /// <summary>The rows of the token table: files need not say it otherwise.</summary>
    private static int Vocabulary(GgufReader file) => file.Entries.TryGetValue("token_embd.weight", out var table)
        ? (int)table.Sizes[0]
        : throw new BadFileException(file.Path, "token_embd.weight", "the tensor is missing.");

    private static int Size(GgufReader file, string field) => Get<long>(file, field) is var size and > 0 and < int.MaxValue
        ? (int)size
        : throw new BadFileException(file.Path, field, "a number above 0 is needed here.");

    private static T Optional<T>(GgufReader file, string field, T standard) =>
        file.Fields.ContainsKey(field) ? Get<T>(file, field) : standard;

    private static T Get<T>(GgufReader file, string field) => file.Fields.GetValueOrDefault(field) is T value ? value
        : throw new BadFileException(file.Path, field, "it is missing or of another type.");

    private sealed class Weights(GgufReader file) : IWeights
    {
        public IReadOnlyCollection<string> Names => [.. file.Entries.Keys];

        public string FileOf(string name) => file.Path;

        public long[]? Sizes(string name) => file.Entries.GetValueOrDefault(name)?.Sizes;

        public void Read(string name, long start, Span<float> values) => file.Read(file.Entries[name], start, values);

        public void Dispose() => file.Dispose();
    }
}
