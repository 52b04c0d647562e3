using System.Globalization;
using System.Reflection;

namespace TrainGpt;

/// <summary>What <c>--model</c> and the options of its shape mean.</summary>
internal static class ModelChoice
{
    public const string Gpt = "gpt", Llama = "llama";

    /// <summary>nanoGPT's shape for a CPU: a tied head and no biases.</summary>
    private static readonly GptConfig SmallGpt = new() { VocabularySize = 1, TiedHead = true, Bias = false };

    /// <summary>The values of <c>--model</c>.</summary>
    public static string[] Names => [.. ModelConfig.Kinds, .. ModelNames.All];

    /// <summary>What the options set of a shape: those with the name of one of its properties.</summary>
    private static readonly (Declaration Option, PropertyInfo Field)[] Fields =
    [
        .. from option in Declaration.Of<TrainOptions>()
           let field = typeof(ModelConfig).GetProperty(option.Field)
           where field is { CanWrite: true }
           select (option, field),
    ];

    /// <summary>The shape that the options ask for.</summary>
    public static ModelConfig Config(TrainOptions options, int vocabularySize) =>
        Set(options, Start(options.Model) with { VocabularySize = vocabularySize }).Explicit();

    /// <summary>A shape with what the options set.</summary>
    public static ModelConfig Set(TrainOptions options, ModelConfig config)
    {
        config = config with { };
        foreach (var (option, field) in Fields)
            if (option.Get(options) is { } value) field.SetValue(config, value is CheckpointChoice choice
                ? choice.Policy
                : Convert.ChangeType(value, field.PropertyType, CultureInfo.InvariantCulture));
        return config;
    }

    /// <summary>The options with the model's own values where none were given.</summary>
    public static TrainOptions Used(TrainOptions options)
    {
        var shape = Config(options, 1);
        return Fields.Where(f => f.Option.IsOpen).Aggregate(options, (used, f) => f.Option.With(used, f.Field.GetValue(shape)));
    }

    /// <summary>What options of the shape say to make a shape.</summary>
    public static IEnumerable<(Declaration Option, object Value)> ShapeOf(ModelConfig shape) => Fields
        .Where(f => f.Option.Phase == Phase.Shape).Select(f => (f.Option, f.Field.GetValue(shape)!));

    /// <summary>The vocabulary of a named model, for which ids may have been made; 1 for others.</summary>
    public static int LeastVocabulary(TrainOptions options) => Start(options.Model).VocabularySize;

    /// <summary>Refuses shapes that are impossible or not those of the named model.</summary>
    /// <exception cref="InputException">The message names the option and says what to do.</exception>
    /// <exception cref="ArgumentException">The library refuses the shape.</exception>
    public static void Check(TrainOptions options)
    {
        var shape = Config(options, 1);
        if (options is { Model: Gpt, KvHeads: { } few } && few != shape.Heads)
            throw new InputException(
                $"--kv-heads {few} is for llamas: --model {Gpt} has as many key and value heads as --heads. "
                    + $"Leave it out or take --model {Llama}.");
        if (ModelNames.All.Contains(options.Model)) CheckNamed(options);
        if (shape.Width % shape.Heads != 0)
            throw new InputException($"--width {shape.Width} is not divisible by --heads {shape.Heads}; "
                + "choose a width that is a multiple of the heads.");
        if (shape.Heads % shape.KvHeads != 0)
            throw new InputException($"--heads {shape.Heads} is not divisible by --kv-heads {shape.KvHeads}; "
                + "choose a divisor of the heads.");
        shape.Check();
    }

    /// <summary>
    /// Refuses a stored shape that is impossible, out of the options' ranges, or of more weights than its file holds: before memory is
    /// taken for them.
    /// </summary>
    /// <exception cref="InputException">It is out of range; the message names the option.</exception>
    /// <exception cref="ArgumentException">The library refuses it, or it has too many weights.</exception>
    public static void CheckClaims(ModelConfig shape, long weights)
    {
        shape.Check();
        shape = shape.Explicit();
        foreach (var (option, field) in Fields) option.Check(field.GetValue(shape));
        if (shape.CountParameters() is var claimed && claimed > weights)
            throw new ArgumentException($"the model of the configuration has {claimed} weights, the file holds {weights}.");
    }

    /// <summary>Makes a model, unless its weights alone are more than the machine's memory and do not live in a file.</summary>
    /// <exception cref="InputException">They are.</exception>
    public static LanguageModel Create(ModelConfig config, Device device, ulong seed)
    {
        const double gigabyte = 1 << 30;
        long needed = config.Weights.Bytes(config.CountParameters()), has = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return needed <= has || device.Residency is not null
            ? config.Create(device, seed)
            : throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"The weights of this model alone take {needed / gigabyte:F1} GiB, and there are {has / gigabyte:F1} GiB of memory; "
                    + $"choose a smaller model."));
    }

    private static ModelConfig Start(string model) =>
        model == Gpt ? SmallGpt : ModelConfig.Kinds.Contains(model) ? ModelConfig.OfKind(model) : ModelConfig.Named(model);

    private static void CheckNamed(TrainOptions options)
    {
        var named = new TrainOptions { Model = options.Model }.Used();
        foreach (var option in Declaration.Of<TrainOptions>().Where(option => option.Phase == Phase.Shape))
            if (option.Get(options) is { } asked && !asked.Equals(option.Get(named)))
                throw new InputException($"--{option.Name} {SettingText.Write(asked)} contradicts --model {options.Model}, which has "
                    + $"{SettingText.Write(option.Get(named))}; leave the option out or take "
                    + $"--model {string.Join(" or ", ModelConfig.Kinds)}.");
    }
}
