namespace TrainGpt;

/// <summary>What <c>--optimizer</c>, <c>--preset</c> and their settings mean.</summary>
internal static class OptimizerChoice
{
    private const string Sqrt = "sqrt", Auto = "auto";

    private sealed record Choice(double LearningRate, Func<TrainOptions, Rule> Make, bool ForHidden = false, double FallbackScale = 1, bool Projects = false)
    {
        public Dictionary<string, Func<TrainOptions, Rule>> Presets { get; init; } = [];
    }

    private static readonly Dictionary<string, Choice> Choices = new()
    {
        [TrainOptions.AdamW] = new(1e-3, AdamW),
        [TrainOptions.Sgd] = new(0.1, o => new Sgd(momentum: o.Beta1, weightDecay: o.WeightDecay)),
        ["apollo"] = new(1e-2, o => Apollo(o, ApolloRank.Quarter, ApolloScope.Channel), ForHidden: true, Projects: true)
        {
            Presets = new()
            {
                ["official"] = o => Mayfly.Apollo.Official(FixedRank(o, 256), refresh: o.Refresh ?? 200, scale: o.Alpha * o.Alpha ?? 1, weightDecay: o.WeightDecay),
                ["python-port"] = o => Mayfly.Apollo.PythonPort(FixedRank(o, 256), o.Alpha, o.Refresh ?? 200, weightDecay: o.WeightDecay),
                ["julia"] = o => Mayfly.Apollo.Julia(o.Rank is null ? null : FixedRank(o, 1), o.Refresh ?? 100, o.WeightDecay),
            },
        },
        ["apollo-mini"] = new(1e-2, o => Apollo(o, ApolloRank.Fixed(1), ApolloScope.Tensor), ForHidden: true, Projects: true)
        {
            Presets = new()
            {
                ["official"] = o => Mayfly.Apollo.Official(1, ApolloScope.Tensor, o.Alpha * o.Alpha ?? 128, o.Refresh ?? 200, weightDecay: o.WeightDecay),
            },
        },
        ["muon"] = new(0.02, o => Muon(o, new MuonOptions()), ForHidden: true, FallbackScale: 0.05)
        {
            Presets = new()
            {
                ["keller-jordan"] = o => Muon(o, Mayfly.Muon.KellerJordan),
                ["torch"] = o => Muon(o, Mayfly.Muon.Torch),
                ["moonlight"] = o => Muon(o, Mayfly.Muon.Moonlight),
                ["julia"] = o => Muon(o, Mayfly.Muon.Julia),
            },
        },
        ["adalomo"] = new(0.02, o => new AdaLomo(o.WeightDecay)),
        ["lomo"] = new(0.1, o => new Lomo(o.WeightDecay)),
        ["adafactor"] = new(1e-2, o => Adafactor.Torch(o.WeightDecay))
        {
            Presets = new() { ["torch"] = o => Adafactor.Torch(o.WeightDecay), ["hugging-face"] = o => Adafactor.HuggingFace(weightDecay: o.WeightDecay) },
        },
        ["galore"] = new(1e-2, o => GaLore(o, new GaLoreOptions { Rank = 32 }), ForHidden: true, Projects: true)
        {
            Presets = new() { ["official"] = o => GaLore(o, Mayfly.GaLore.Official) },
        },
    };

    /// <summary>The values of <c>--optimizer</c>.</summary>
    public static string[] Names => [.. Choices.Keys];

    /// <summary>The usual learning rate of an optimizer.</summary>
    public static double LearningRate(string optimizer) => Choices[optimizer].LearningRate;

    /// <summary>A list for a help text: each optimizer's learning rate.</summary>
    public static string LearningRates => string.Join(", ", Choices.Select(c => $"{c.Key} {c.Value.LearningRate}"));

    /// <summary>Which rule steps which parameter: matrices between layers by the optimizer, the rest too or, where that is usual, by AdamW.</summary>
    public static Route Route(TrainOptions options)
    {
        var choice = Choices[options.Optimizer];
        var rule = Guarded(options, Maker(options, choice)(options));
        var mode = options.IsEager ? UpdateMode.Eager : UpdateMode.Deferred;
        return choice.ForHidden
            ? Mayfly.Route.ForHidden(rule, Guarded(options, AdamW(options)), choice.FallbackScale, mode)
            : Mayfly.Route.Default(rule, mode);
    }

    /// <summary>Refuses settings that the optimizer does not have.</summary>
    /// <exception cref="InputException">One is given; the message names it.</exception>
    public static void Check(TrainOptions options)
    {
        var choice = Choices[options.Optimizer];
        if (options.Preset is { } preset && !choice.Presets.ContainsKey(preset)) throw new InputException(NoPreset(options.Optimizer, preset, choice));
        if (!choice.Projects && (options.Rank ?? options.Alpha as object ?? options.Refresh) is not null)
            throw new InputException($"--rank, --alpha and --refresh are settings of {string.Join(", ", Choices.Where(c => c.Value.Projects).Select(c => c.Key))}; --optimizer {options.Optimizer} has none.");
        if (options.Rank is not (null or Sqrt or Auto) && !(int.TryParse(options.Rank, out int rank) && rank > 0))
            throw new InputException($"--rank {options.Rank} is no rank; give a number of at least 1, {Sqrt} or {Auto}.");
    }

    private static Func<TrainOptions, Rule> Maker(TrainOptions options, Choice choice) => options.Preset is { } preset ? choice.Presets[preset] : choice.Make;

    private static string NoPreset(string optimizer, string preset, Choice choice) => choice.Presets.Count == 0
        ? $"--preset {preset}: --optimizer {optimizer} has no presets."
        : $"--preset {preset} is unknown; --optimizer {optimizer} has {string.Join(", ", choice.Presets.Keys)}.";

    /// <summary>The rule behind the limits that the options ask for.</summary>
    private static Rule Guarded(TrainOptions options, Rule rule)
    {
        var parts = new List<Rule>();
        if (options.ClipValue is { } limit) parts.Add(new ClipValue(limit));
        if (options.NormCap is { } gamma) parts.Add(new NormGrowthCap(new NormGrowthLimit { Gamma = gamma }));
        return parts.Count == 0 ? rule : new Chain([.. parts, rule]);
    }

    private static AdamW AdamW(TrainOptions o) => new(o.Beta1, o.Beta2, weightDecay: o.WeightDecay);

    private static Apollo Apollo(TrainOptions o, ApolloRank standard, ApolloScope scope) => new(new ApolloOptions
    {
        Rank = o.Rank switch { null or Auto => standard, Sqrt => ApolloRank.Sqrt, var number => ApolloRank.Fixed(long.Parse(number)) },
        Scope = scope,
        Alpha = o.Alpha,
        Refresh = o.Refresh ?? 200,
        WeightDecay = o.WeightDecay,
    });

    private static Muon Muon(TrainOptions o, MuonOptions start) => new(start with { WeightDecay = o.WeightDecay, Fallback = AdamW(o) });

    private static GaLore GaLore(TrainOptions o, GaLoreOptions start) => new(start with
    {
        Rank = (int)FixedRank(o, start.Rank),
        Refresh = (int)(o.Refresh ?? start.Refresh),
        Scale = o.Alpha ?? start.Scale,
        WeightDecay = o.WeightDecay,
    });

    private static long FixedRank(TrainOptions o, long standard) => o.Rank switch
    {
        null or Auto => standard,
        Sqrt => throw new InputException($"--rank {Sqrt} works with --optimizer apollo without a preset; give a number."),
        var number => long.Parse(number),
    };
}
