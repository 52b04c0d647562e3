namespace TrainGpt;

/// <summary>What <c>--model</c> and the options of its shape mean.</summary>
internal static class ModelChoice
{
    public const string Gpt = "gpt", Llama = "llama";

    /// <summary>nanoGPT's shape for a CPU: a tied head and no biases.</summary>
    private static readonly GptConfig SmallGpt = new() { VocabularySize = 1, TiedHead = true, Bias = false };

    /// <summary>The values of <c>--model</c>.</summary>
    public static string[] Names => [.. ModelConfig.Kinds, .. ModelNames.All];

    /// <summary>The shape that the options ask for.</summary>
    public static ModelConfig Config(TrainOptions options, int vocabularySize)
    {
        var start = Start(options.Model);
        return start with
        {
            VocabularySize = vocabularySize,
            Layers = options.Layers ?? start.Layers,
            Heads = options.Heads ?? start.Heads,
            KvHeads = options.KvHeads ?? start.KvHeads,
            Width = options.Width ?? start.Width,
            Hidden = options.Hidden ?? start.Hidden,
            TiedHead = options.Tied ?? start.TiedHead,
            Context = options.Context ?? start.Context,
            Dropout = (float)options.Dropout,
            CheckpointBlocks = options.CheckpointBlocks,
        };
    }

    /// <summary>The options with the model's own values where none were given; what depends on others stays open.</summary>
    public static TrainOptions Complete(TrainOptions options)
    {
        var shape = Config(options, 1);
        return options with
        {
            Layers = shape.Layers,
            Heads = shape.Heads,
            KvHeads = shape.KvHeads > 0 ? shape.KvHeads : null,
            Width = shape.Width,
            Hidden = shape.Hidden > 0 ? shape.Hidden : null,
            Tied = shape.TiedHead,
            Context = shape.Context,
        };
    }

    /// <summary>The vocabulary of a named model, for which ids may have been made; 1 for others.</summary>
    public static int LeastVocabulary(TrainOptions options) => Start(options.Model).VocabularySize;

    /// <summary>Refuses shapes that are impossible or not those of the named model.</summary>
    /// <exception cref="InputException">The message names the option and says what to do.</exception>
    /// <exception cref="ArgumentException">The library refuses the shape.</exception>
    public static void Check(TrainOptions options)
    {
        if (options is { Model: Gpt, KvHeads: { } few })
            throw new InputException($"--kv-heads {few} is for llamas: --model {Gpt} has as many key and value heads as --heads. Leave it out or take --model {Llama}.");
        if (ModelNames.All.Contains(options.Model)) CheckNamed(options, Start(options.Model));
        var shape = Config(options, 1);
        if (shape.Width % shape.Heads != 0)
            throw new InputException($"--width {shape.Width} is not divisible by --heads {shape.Heads}; choose a width that is a multiple of the heads.");
        if (shape.KvHeads > 0 && shape.Heads % shape.KvHeads != 0)
            throw new InputException($"--heads {shape.Heads} is not divisible by --kv-heads {shape.KvHeads}; choose a divisor of the heads.");
        shape.Check();
    }

    /// <summary>Makes a model, unless its weights alone are more than the machine's memory.</summary>
    /// <exception cref="InputException">They are.</exception>
    public static LanguageModel Create(ModelConfig config, Device device, ulong seed)
    {
        const double gigabyte = 1 << 30;
        long needed = config.CountParameters() * sizeof(float), has = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return needed <= has
            ? config.Create(device, seed)
            : throw new InputException($"The weights of this model alone take {needed / gigabyte:F1} GiB, and there are {has / gigabyte:F1} GiB of memory; choose a smaller model.");
    }

    private static ModelConfig Start(string model) =>
        model == Gpt ? SmallGpt : ModelConfig.Kinds.Contains(model) ? ModelConfig.OfKind(model) : ModelConfig.Named(model);

    private static void CheckNamed(TrainOptions options, ModelConfig named)
    {
        (string Option, object? Asked, object Has)[] settings =
        [
            ("--layers", options.Layers, named.Layers), ("--heads", options.Heads, named.Heads),
            ("--kv-heads", options.KvHeads, named.KvHeads > 0 ? named.KvHeads : named.Heads), ("--width", options.Width, named.Width),
            ("--hidden", options.Hidden, named.Hidden > 0 ? named.Hidden : 4 * named.Width), ("--tied", options.Tied, named.TiedHead),
        ];
        foreach (var (option, asked, has) in settings)
            if (asked is not null && !asked.Equals(has))
                throw new InputException($"{option} {asked} contradicts --model {options.Model}, which has {has}; leave the option out or take --model {Gpt} or {Llama}.");
    }
}
