namespace Mayfly.Tests;

/// <summary>One rule as every test set takes it: adding a line here tests a new rule.</summary>
/// <param name="Name">The line's name.</param>
/// <param name="Make">Makes the rule.</param>
/// <param name="LearningRate">A rate at which it solves small problems.</param>
/// <param name="StateElements">How many numbers it keeps for a parameter of the given shape.</param>
public sealed record RuleLine(string Name, Func<Rule> Make, double LearningRate, Func<Shape, long> StateElements)
{
    public override string ToString() => Name;
}

/// <summary>The rules.</summary>
public static class RuleTable
{
    private static readonly Adafactor firstMoment = Adafactor.HuggingFace with
    {
        RelativeStep = false, ScaleParameter = false, Beta1 = 0.9, WeightDecay = 1e-3,
    };

    private static readonly RuleLine[] lines =
    [
        new("sgd", () => new Sgd(), 0.1, _ => 0),
        new("sgd coupled decay", () => new Sgd { WeightDecay = 1e-4 }, 0.1, _ => 0),
        new("sgd momentum", () => new Sgd { Momentum = 0.9, Dampening = 0.1 }, 0.02, s => s.Count),
        new("sgd nesterov", () => new Sgd { Momentum = 0.9, Nesterov = true }, 0.02, s => s.Count),
        new("adamw", () => new AdamW(), 0.05, s => 2 * s.Count),
        new("adamw no decay", () => new AdamW { Beta1 = 0.8, Beta2 = 0.95, WeightDecay = 0 }, 0.05, s => 2 * s.Count),
        new("lomo", () => new Lomo { ClipValue = 3 }, 0.1, _ => 0),
        new("lomo decay", () => new Lomo { WeightDecay = 1e-3 }, 0.1, _ => 0),
        new("adalomo", () => new AdaLomo(), 0.05, Factored),
        new("adalomo decay, clip value", () => new AdaLomo { WeightDecay = 1e-3, ClipThreshold = 0.5, ClipValue = 2 }, 0.05, Factored),
        new("clip norm, adalomo", () => new Chain(new ClipNorm(1), new AdaLomo()), 0.05, Factored),
        new("adafactor", () => Adafactor.HuggingFace with { RelativeStep = false }, 0.05, Factored),
        new("adafactor, first moment", () => firstMoment, 0.05, s => Factored(s) + s.Count),
        new("adafactor, torch", () => Adafactor.Torch with { WeightDecay = 1e-3 }, 0.05, Factored),
        new("galore", () => new GaLore { Rank = 3, Refresh = 2, Scale = 1 }, 0.05, s => LowRank(s, 3)),
        new("adamw, hugging face", () => AdamW.HuggingFace with { WeightDecay = 1e-3 }, 0.05, s => 2 * s.Count),
        new("galore, official", () => GaLore.Official with { Rank = 2, Refresh = 0, WeightDecay = 1e-3 }, 0.05, s => LowRank(s, 2)),
        new("clip value, adamw", () => new Chain(new ClipValue(1), new AdamW()), 0.05, s => 2 * s.Count),
        new("clip norm, nesterov", () => new Chain(new ClipNorm(5), new Sgd { Momentum = 0.9, Nesterov = true }), 0.02, s => s.Count),
        new("muon", () => new Muon { FallbackScale = 1 }, 0.05, MomentumOrAdam),
        new("muon, bfloat16", () => new Muon { FallbackScale = 1, NewtonSchulz = new() { Bfloat16 = true } }, 0.05, MomentumOrAdam),
        new("muon, dion", () => Muon.Dion with { Cautious = true, WeightDecay = 1e-3 }, 0.02, MomentumOrAdam),
        new("normuon", () => new NorMuon { FallbackScale = 1 }, 0.05, s => MomentumOrAdam(s) + (s.Count > s[0] ? s[0] : 0)),
        new(
            "normuon, nanochat", () => NorMuon.Nanochat with { FallbackScale = 1, WeightDecay = 1e-3 }, 0.05,
            s => MomentumOrAdam(s) + (s.Count > s[0] ? Math.Max(s[0], s.Count / s[0]) : 0)),
        new(
            "muon alone, clipped", () => new Chain(new ClipNorm(5), Muon.Moonlight with { Fallback = null, WeightDecay = 0 }), 0.05,
            s => s.Count),
        new("norm growth cap, adamw", () => new Chain(new NormGrowthCap(), new AdamW()), 0.05, s => 2 * s.Count),
        new("apollo", () => new Apollo(), 0.05, RankOne),
        new("apollo stored", () => new Apollo { StoreProjection = true, Refresh = 2 }, 0.05, s => Projected(s, 2 * 7 + 5)),
        new("apollo svd", () => new Apollo { Projection = ApolloProjection.Svd, Refresh = 2 }, 0.05, s => Projected(s, 2 * 7 + 5)),
        new("apollo mini", () => Apollo.Mini, 0.05, RankOne),
        new("apollo official", () => Restarting(Apollo.Official with { Rank = 2 }), 0.05, s => Projected(s, 2 * 2 * 7 + 2 * 5)),
        new("apollo python port", () => Restarting(Apollo.PythonPort with { Rank = 2 }), 0.05, s => Projected(s, 2 * 2 * 7 + 2 * 5)),
        new("apollo julia", () => Apollo.Julia, 0.05, s => s.Rank < 2 ? 2 * s.Count : LowRank(s, 3, least: 0)),
        new("both clips, sgd", () => new Chain(new ClipValue(2), new ClipNorm(5), new Sgd()), 0.1, _ => 0),
    ];

    public static IReadOnlyList<RuleLine> Lines => lines;

    public static TheoryData<RuleLine> All => new(lines);

    /// <summary>A row and a column of each matrix, or a whole vector.</summary>
    private static long Factored(Shape shape) => shape.Rank < 2 ? shape.Count : shape[0] + shape[1];

    /// <summary>The preset without its trap: after a gradient of zero its limiter starts again.</summary>
    private static Apollo Restarting(Apollo preset) =>
        preset with { Limiter = preset.Limiter! with { Restart = NormGrowthRestart.BelowBound } };

    /// <summary>Muon's momentum of a matrix, or AdamW's moments of a column.</summary>
    private static long MomentumOrAdam(Shape shape) => shape.Count > shape[0] ? shape.Count : 2 * shape.Count;

    /// <summary>Two moments of each channel, or AdamW's moments of a vector or column.</summary>
    private static long RankOne(Shape shape) => Projected(shape, shape.Rank < 2 ? 0 : 2 * Math.Max(shape[0], shape[1]));

    /// <summary>What Apollo keeps of a matrix, or AdamW's moments of a vector or column.</summary>
    private static long Projected(Shape shape, long kept) => shape.Rank < 2 || shape[1] == 1 ? 2 * shape.Count : kept;

    /// <summary>Moments of the large side and vectors of the small one, or AdamW's moments.</summary>
    private static long LowRank(Shape shape, int rank, int? least = null)
    {
        if (shape.Rank < 2 || Math.Min(shape[0], shape[1]) <= (least ?? rank)) return 2 * shape.Count;
        return rank * (2 * Math.Max(shape[0], shape[1]) + Math.Min(shape[0], shape[1]));
    }

    /// <summary>The rule for all parameters, decay included.</summary>
    public static Route Everywhere(Rule rule, UpdateMode mode) => new Route().Otherwise(rule, mode);
}
