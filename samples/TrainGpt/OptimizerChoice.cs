namespace TrainGpt;

/// <summary>
/// What <c>--optimizer</c>, <c>--preset</c> and their settings mean: a recipe, in which the options that are given change what they name.
/// </summary>
internal static class OptimizerChoice
{
    private const string Null = "null";

    /// <summary>The options that change settings of a rule.</summary>
    private static readonly Declaration[] Settings = [.. Declaration.Of<TrainOptions>().Where(option => option.Keys.Length > 0)];

    /// <summary>The values of <c>--optimizer</c>.</summary>
    public static string[] Names => [.. Recipes.Names];

    /// <summary>The usual learning rate of the optimizer that the options name.</summary>
    /// <exception cref="InputException">There is no such preset.</exception>
    public static double LearningRate(TrainOptions options) => Named(options).LearningRate;

    /// <summary>Which rule steps which parameter.</summary>
    /// <exception cref="InputException">A setting that the optimizer does not have.</exception>
    public static Route Route(TrainOptions options)
    {
        var route = Mayfly.Route.For(Guarded(options, Rule(options)), options.Mode);
        return options.RateWidth > 0 ? route.ByWidth(options.RateWidth) : route;
    }

    /// <summary>Refuses settings that the optimizer does not have.</summary>
    /// <exception cref="InputException">One is given; the message names it.</exception>
    public static void Check(TrainOptions options) => Rule(options);

    /// <summary>True where the rule reads projections of gradients and nothing else of them.</summary>
    public static bool Projects(TrainOptions options) => Guarded(options, Rule(options)) is IProjectingRule;

    /// <summary>
    /// The options with what the rule has of its own or by its preset, where one number says it of the rule and its fallback.
    /// </summary>
    /// <exception cref="InputException">A setting that the optimizer does not have.</exception>
    public static TrainOptions Used(TrainOptions options)
    {
        var rule = Rule(options);
        return Settings.Aggregate(options, (used, option) => option.Get(used) is null ? Fill(used, option, rule) : used);
    }

    /// <summary>The options with another optimizer in its plain form, without the settings of the one before.</summary>
    public static TrainOptions Changed(TrainOptions options, string optimizer) => Settings.Aggregate(
        options with { Optimizer = optimizer, Preset = null, LearningRate = null, MinLearningRate = null },
        (changed, option) => option.With(changed, null));

    /// <summary>The options without the settings that earlier versions kept for every optimizer and read for some.</summary>
    public static TrainOptions Fitting(TrainOptions options)
    {
        var rule = Named(options);
        return Settings.Where(option => option.Keys.All(key => Find(rule, key) is null)
            || (rule is Adafactor && option.PropertyName == nameof(TrainOptions.Beta1)))
            .Aggregate(options, (fitting, option) => option.With(fitting, null));
    }

    /// <summary>The whole rule in words: a preset may have two values for what an option would set to one.</summary>
    public static IEnumerable<(string Name, string Text)> Describe(TrainOptions options)
    {
        var rule = Guarded(options, Rule(options));
        yield return ("rule", rule.ToString());
        if (rule.Fallback is { } fallback) yield return ("fallback", $"{fallback}, {SettingText.Write(rule.FallbackScale)}x");
    }

    private static TrainOptions Fill(TrainOptions options, Declaration option, Rule rule)
    {
        string? text = option.Keys.Select(key => Find(rule, key)).FirstOrDefault(found => found is not null);
        if (text is null or Null) return options;
        var filled = option.With(options, option.Read([option.Words.Length > 0 ? SettingText.Kebab(text) : text]));
        return Rule(filled) == rule ? filled : options;
    }

    /// <summary>What a rule or its fallback has for a setting, by its key or behind the rule's name.</summary>
    private static string? Find(Rule? rule, string key) => rule is null
        ? null
        : rule.Texts.FirstOrDefault(setting => key == setting.Key || key == $"{rule.Name}.{setting.Key}").Text ?? Find(rule.Fallback, key);

    private static Rule Rule(TrainOptions options) => Settings.Aggregate(Named(options), (rule, option) =>
        option.Get(options) is { } value
            ? With(rule, option, value as Enum, SettingText.Write(value), options.Optimizer)
            : rule);

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

    /// <summary>The rule with an option's value, which messages have as the command line does; a choice has another name in code.</summary>
    private static Rule With(Rule rule, Declaration option, Enum? choice, string value, string optimizer)
    {
        try
        {
            string text = choice?.ToString() ?? value;
            return option.Keys.Select(key => rule.AdjustedWithFallback(key, text)).FirstOrDefault(changed => changed is not null)
                ?? throw new InputException($"--{option.Name} {value} is a setting of other optimizers; --optimizer {optimizer} has none.");
        }
        catch (ArgumentException e)
        {
            throw new InputException($"--{option.Name} {value}: {e.Message}", e);
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
}
