using System.Globalization;

namespace TrainGpt;

/// <summary>
/// What <c>--optimizer</c>, <c>--preset</c> and their settings mean: a recipe, in which the options that are given change what they name.
/// </summary>
internal static class OptimizerChoice
{
    private const string Auto = "auto";

    /// <summary>The values of <c>--optimizer</c>.</summary>
    public static string[] Names => [.. Recipes.Names];

    /// <summary>The usual learning rate of the optimizer that the options name.</summary>
    /// <exception cref="InputException">There is no such preset.</exception>
    public static double LearningRate(TrainOptions options) => Named(options).LearningRate;

    /// <summary>A list for a help text: each optimizer's learning rate.</summary>
    public static string LearningRates => string.Join(
        ", ", Recipes.Names.Select(name => string.Create(CultureInfo.InvariantCulture, $"{name} {Recipes.Get(name).LearningRate}")));

    /// <summary>Which rule steps which parameter.</summary>
    /// <exception cref="InputException">A setting that the optimizer does not have.</exception>
    public static Route Route(TrainOptions options) =>
        Mayfly.Route.For(Guarded(options, Rule(options)), options.IsEager ? UpdateMode.Eager : UpdateMode.Deferred);

    /// <summary>Refuses settings that the optimizer does not have.</summary>
    /// <exception cref="InputException">One is given; the message names it.</exception>
    public static void Check(TrainOptions options) => Rule(options);

    private static Rule Rule(TrainOptions options) => Settings(options).Aggregate(
        Named(options), (rule, s) => s.Value is { } value ? With(rule, s.Option, value, s.Keys, options.Optimizer) : rule);

    private static Rule Named(TrainOptions options)
    {
        try
        {
            return Recipes.Get(options.Optimizer, options.Preset);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"--preset {options.Preset}: {e.Message}", e);
        }
    }

    /// <summary>What the options change: of several settings the first that the rule or its fallback has.</summary>
    private static IEnumerable<(string Option, string? Value, string[] Keys)> Settings(TrainOptions o) =>
    [
        ("--beta1", Text(o.Beta1), ["AdamW.beta1", "Sgd.momentum", "beta1"]),
        ("--beta2", Text(o.Beta2), ["AdamW.beta2", "beta2"]),
        ("--weight-decay", Text(o.WeightDecay), ["weightDecay"]),
        ("--rank", o.Rank == Auto ? null : o.Rank, ["rank"]),
        ("--alpha", Text(o.Alpha), ["alpha", "GaLore.scale"]),
        ("--refresh", Text(o.Refresh), ["refresh"]),
    ];

    private static Rule With(Rule rule, string option, string value, string[] keys, string optimizer)
    {
        try
        {
            return keys.Select(key => rule.AdjustedWithFallback(key, value)).FirstOrDefault(changed => changed is not null)
                ?? throw new InputException($"{option} {value} is a setting of other optimizers; --optimizer {optimizer} has none.");
        }
        catch (ArgumentException e)
        {
            throw new InputException($"{option} {value}: {e.Message}", e);
        }
    }

    /// <summary>The rule behind the limits that the options ask for.</summary>
    private static Rule Guarded(TrainOptions options, Rule rule)
    {
        var parts = new List<Rule>();
        if (options.ClipValue is { } limit) parts.Add(new ClipValue(limit));
        if (options.NormCap is { } gamma) parts.Add(new NormGrowthCap { Limit = new NormGrowthLimit { Gamma = gamma } });
        return parts.Count == 0 ? rule : new Chain([.. parts, rule]);
    }

    private static string? Text(IFormattable? value) => value?.ToString(null, CultureInfo.InvariantCulture);
}
