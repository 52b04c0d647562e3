namespace Mayfly;

/// <summary>
/// A model that others trained, in a file or folder of theirs: its shape, its tokenizer and its weights. Weights are converted to the
/// model's type on the way, in pieces. An open one reads; <see cref="Create"/> makes models of it.
/// </summary>
public sealed class PretrainedModel : IDisposable
{
    private readonly IWeights weights;
    private readonly WeightMap map;

    internal PretrainedModel(string format, string path, IWeights weights, WeightMap map, ModelConfig config, Tokenizer? tokenizer)
    {
        (Format, Path, this.weights, this.map, Tokenizer) = (format, path, weights, map, tokenizer);
        Config = (config with { TiedHead = map.IsOwn ? config.TiedHead : IsTied() }).Explicit();
        try
        {
            Config.Check();
        }
        catch (ArgumentException e)
        {
            throw new BadFileException(path, "configuration", e.Message, e);
        }

        if (tokenizer is not null && tokenizer.VocabularySize > config.VocabularySize)
            throw new BadFileException(path, "tokenizer",
                $"it has {tokenizer.VocabularySize} tokens, more than the model's {config.VocabularySize}.");
    }

    /// <summary>The formats, in words.</summary>
    public static string Help => string.Join("; ", ModelFormat.All.Select(format => format.Help)) + ".";

    /// <summary>The name of the format.</summary>
    public string Format { get; }

    /// <summary>The file or folder.</summary>
    public string Path { get; }

    /// <summary>The model's shape.</summary>
    public ModelConfig Config { get; }

    /// <summary>The tokenizer that lies with it, or null where there is none.</summary>
    public Tokenizer? Tokenizer { get; }

    /// <summary>The template of chats that lies with it, in Jinja, or null where there is none.</summary>
    public string? ChatTemplate { get; internal init; }

    /// <summary>Opens a file or folder, whose format is told by what is in it.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    /// <exception cref="BadFileException">
    /// It is of no known format or architecture, or damaged; the message names the file and the field or tensor.
    /// </exception>
    public static PretrainedModel Open(string path)
    {
        if (!System.IO.Path.Exists(path)) throw new InputException($"There is no model '{path}'.");
        var format = ModelFormat.All.FirstOrDefault(format => format.Fits(path))
            ?? throw new BadFileException(path, "format", $"it is no model that can be read. These are: {Help}");
        return format.Open(path);
    }

    /// <summary>A model with the weights of the file, ready to generate; <see cref="Module.Train"/> makes it ready to train.</summary>
    /// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
    /// <exception cref="BadFileException">A tensor is missing, or of another size.</exception>
    public LanguageModel Create(Device? device = null)
    {
        var model = Config.Create(device);
        try
        {
            LoadInto(model);
            model.Eval();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Overwrites a model's weights with those of the file. All names and sizes are checked before.</summary>
    /// <param name="model">A model of the same shape; its parameters may be of any type that holds weights.</param>
    /// <exception cref="BadFileException">A tensor is missing, or of another size.</exception>
    public void LoadInto(LanguageModel model) => new WeightLoader(weights, map, Path).Load(model);

    /// <inheritdoc/>
    public void Dispose() => weights.Dispose();

    /// <summary>A file without a head has the token table for it; so has one that stores the same numbers again.</summary>
    private bool IsTied()
    {
        if (weights.Sizes(map.HeadTensor) is not { } head) return true;
        return head.Length == 2 && weights.Sizes(map.TokenTensor) is { } table && table.SequenceEqual(head) && IsEqual(head[0] * head[1]);
    }

    private bool IsEqual(long count)
    {
        const int Piece = 1 << 16;
        float[] table = new float[Piece], head = new float[Piece];
        for (long start = 0; start < count; start += Piece)
        {
            int n = (int)Math.Min(Piece, count - start);
            weights.Read(map.TokenTensor, start, table.AsSpan(0, n));
            weights.Read(map.HeadTensor, start, head.AsSpan(0, n));
            if (!table.AsSpan(0, n).SequenceEqual(head.AsSpan(0, n))) return false;
        }

        return true;
    }
}
