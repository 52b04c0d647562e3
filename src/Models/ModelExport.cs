namespace Mayfly;

/// <summary>How a model is written for other programs.</summary>
public sealed record ExportOptions
{
    /// <summary>How matrices and tables are stored.</summary>
    public WeightType Type { get; init; }

    /// <summary>The most bytes of weights in one safetensors file; more are written to several, with an index.</summary>
    public long ShardBytes { get; init; } = 5_000_000_000;

    /// <summary>The template of chats, in Jinja, as other programs read it; null for none.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>The model's name in a GGUF file; null takes the file's.</summary>
    public string? Name { get; init; }
}

/// <summary>
/// Writes a model for other programs: a folder as Hugging Face's tools load it, a GGUF file for llama.cpp, or llama2.c's file. What a
/// format cannot hold is an error that names it. Weights are converted in pieces.
/// </summary>
/// <param name="model">The model; low-rank adapters are merged before, see <see cref="Lora.Merge"/>.</param>
/// <param name="tokenizer">Its tokenizer, or null.</param>
/// <param name="options">The element type and more; null takes F32.</param>
public sealed class ModelExport(LanguageModel model, Tokenizer? tokenizer = null, ExportOptions? options = null)
{
    /// <summary>The formats by name.</summary>
    public static IReadOnlyList<string> Formats { get; } = [.. ModelFormat.All.Where(f => f.Save is not null).Select(f => f.Name)];

    /// <summary>The formats in words.</summary>
    public static string Help =>
        string.Join("; ", ModelFormat.All.Where(f => f.Save is not null).Select(f => $"{f.Name}, {f.Help}")) + ".";

    internal LanguageModel Model => model;

    internal Tokenizer? Tokenizer => tokenizer;

    internal ExportOptions Options { get; } = options ?? new ExportOptions();

    /// <summary>Writes the model.</summary>
    /// <param name="format">One of <see cref="Formats"/>.</param>
    /// <param name="path">The file; for safetensors a new folder. It has its name when it is whole.</param>
    /// <exception cref="ArgumentException">There is no such format.</exception>
    /// <exception cref="NotSupportedException">The format cannot hold the model or its tokenizer; the message names what.</exception>
    /// <exception cref="NonFiniteException">A weight has an infinity or NaN, or is too large for the type.</exception>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Save(string format, string path)
    {
        var found = ModelFormat.All.FirstOrDefault(known => known.Name == format && known.Save is not null) ?? throw new ArgumentException(
            $"There is no format '{format}' of models; known are {string.Join(", ", Formats)}.", nameof(format));
        if (Lora.Of(model).Count > 0) throw new NotSupportedException("No format has a place for adapters, which are merged before.");
        if (tokenizer is not null && tokenizer.VocabularySize > model.VocabularySize)
            throw new NotSupportedException(
                $"The tokenizer has {tokenizer.VocabularySize} tokens, more than the {model.VocabularySize} of the model.");
        found.Save!(this, path);
    }

    /// <summary>The shape, of a kind that others know.</summary>
    /// <exception cref="NotSupportedException">It is of another kind.</exception>
    internal T Shape<T>(Func<GptConfig, T> gpt, Func<LlamaConfig, T> llama) => model.Config switch
    {
        GptConfig shape when shape.Explicit().KvHeads == shape.Heads => gpt((GptConfig)shape.Explicit()),
        GptConfig shape => throw Cannot($"{shape.KvHeads} key and value heads of a GPT with {shape.Heads}", "one for each head"),
        LlamaConfig shape => llama((LlamaConfig)shape.Explicit()),
        var other => throw Cannot($"a model of {other.GetType().Name}", "GptConfig or LlamaConfig"),
    };

    /// <summary>Requires an element type.</summary>
    /// <exception cref="NotSupportedException">Another one is asked for.</exception>
    internal void CheckType(string format, params WeightType[] allowed)
    {
        if (!allowed.Contains(Options.Type)) throw new NotSupportedException(
            $"{format} has no {Options.Type.NameOf()}; choose {string.Join(" or ", allowed.Select(type => type.NameOf()))}.");
    }

    /// <summary>Says what no format has a place for.</summary>
    internal static NotSupportedException Cannot(string what, string instead) => new($"Other programs do not know {what}, only {instead}.");
}
