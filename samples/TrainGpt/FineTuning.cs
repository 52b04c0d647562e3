using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace TrainGpt;

/// <summary>What <c>--init</c>, <c>--lora-rank</c> and <c>--freeze</c> make of a model, and what a run saves of it.</summary>
internal static class FineTuning
{
    /// <summary>True where a run trains adapters, and its snapshots hold these alone.</summary>
    public static bool HasAdapters(TrainOptions options) => options.LoraRank > 0;

    /// <summary>Makes a run's model, with the weights that it begins with.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="shape">The model's.</param>
    /// <param name="device">Where it lives.</param>
    /// <param name="pretrained">The model of <c>--init</c>; null where a snapshot gives all weights.</param>
    /// <exception cref="InputException">A pattern fits nothing.</exception>
    public static LanguageModel Make(TrainOptions options, ModelConfig shape, Device device, PretrainedModel? pretrained)
    {
        if (pretrained is not null) ModelChoice.CheckClaims(shape, pretrained.Config.CountParameters());
        var model = ModelChoice.Create(shape, device, options.Seed);
        try
        {
            pretrained?.LoadInto(model);
            Apply(options, model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Adds adapters and freezes what is to stay.</summary>
    /// <exception cref="InputException">A pattern fits nothing.</exception>
    public static void Apply(TrainOptions options, LanguageModel model)
    {
        try
        {
            if (HasAdapters(options)) Lora.Apply(model, Of(options));
        }
        catch (ArgumentException e)
        {
            throw new InputException($"--lora-targets {options.LoraTargets}: {e.Message}", e);
        }

        if (options.Freeze is not { } patterns) return;
        try
        {
            foreach (string pattern in Words(patterns)) model.Freeze(pattern);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"--freeze {patterns}: {e.Message}", e);
        }

        if (!model.Parameters().Any(parameter => parameter.Trainable))
            throw new InputException($"--freeze {patterns} leaves nothing to train; freeze less.");
    }

    /// <summary>What a snapshot of the run holds: all weights, or the adapters.</summary>
    public static IReadOnlyList<Parameter> Saved(TrainOptions options, LanguageModel model) => HasAdapters(options)
        ? [.. Lora.Of(model).SelectMany(layer => layer.Adapters).SelectMany(adapter => new[] { adapter.A, adapter.B })]
        : model.Parameters();

    /// <summary>The settings with the hash of the weights beside the adapters, if there are any: they are not in a snapshot.</summary>
    /// <exception cref="InputException">They are others than the adapters were trained beside.</exception>
    public static TrainOptions Checked(TrainOptions options, LanguageModel model)
    {
        if (!HasAdapters(options)) return options;
        var hash = new XxHash128();
        foreach (var parameter in model.Parameters().Except(Saved(options, model)))
            hash.Append(MemoryMarshal.AsBytes<float>(parameter.Value.ToArray()));
        string found = Convert.ToHexStringLower(hash.GetCurrentHash());
        return options.InitHash is null || options.InitHash == found ? options with { InitHash = found } : throw new InputException(
            $"'{options.Init}' is not the model that the adapters were trained beside: its weights have the hash {found}, and not "
                + $"{options.InitHash}.");
    }

    /// <summary>Refuses what does not fit together.</summary>
    /// <exception cref="InputException">The message names the option.</exception>
    public static void Check(TrainOptions options)
    {
        if (HasAdapters(options) && options.Init is null)
            throw new InputException("--lora-rank adds adapters to a model that was trained before; name it by --init.");
        if (!HasAdapters(options) && new TrainOptions { LoraAlpha = options.LoraAlpha, LoraDropout = options.LoraDropout,
            LoraTargets = options.LoraTargets } != new TrainOptions())
            throw new InputException("--lora-alpha, --lora-dropout and --lora-targets are about adapters; give --lora-rank too.");
    }

    private static LoraOptions Of(TrainOptions options) => new()
    {
        Rank = options.LoraRank,
        Alpha = options.LoraAlpha ?? 2.0 * options.LoraRank,
        Dropout = (float)options.LoraDropout,
        Targets = Words(options.LoraTargets),
        Seed = options.Seed,
    };

    private static string[] Words(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
