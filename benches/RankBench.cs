using System.Globalization;

namespace Mayfly.Benches;

/// <summary>
/// Ranks the optimizers on one small task: a character GPT (2 layers, 4 heads, width 64, context 64, batch 16), 400 steps, warm-up 40,
/// cosine to a tenth, each optimizer at a learning rate found by a grid; validation loss on 384 fixed windows, means over seeds. The text
/// is the user's; the learning rates were found on Tiny Shakespeare.
/// </summary>
internal static class RankBench
{
    private const int Context = 64, Batch = 16, Steps = 400, WarmUp = 40, ValidationBatches = 24;
    private const double Smoothing = 0.95, Target = 2.3;

    private sealed record Contestant(string Name, double LearningRate, Func<Route> Route);

    private sealed record Result(double ValidationLoss, int? StepsToTarget);

    private static readonly Contestant[] Contestants =
    [
        new("Muon", 0.05, () => Route.ForHidden(new Muon(), new AdamW { Beta2 = 0.95, WeightDecay = 0 }, fallbackScale: 0.06)),
        new("AdamW", 0.02, () => Route.Default(new AdamW { Beta2 = 0.95, WeightDecay = 0.1 })),
        new("Apollo r16", 0.02, () => Route.ForHidden(new Apollo { Rank = 16 }, new AdamW { Beta2 = 0.95, WeightDecay = 0 })),
        new("Apollo-Mini", 0.02, () => Route.ForHidden(Apollo.Mini, new AdamW { Beta2 = 0.95, WeightDecay = 0 })),
        new("AdaLomo", 0.1, () => Route.Default(new AdaLomo())),
        new("SGD Nesterov", 0.1, () => Route.Default(new Sgd { Momentum = 0.9, Nesterov = true })),
        new("LOMO", 0.3, () => Route.Default(new Lomo())),
    ];

    /// <summary>The command's entry.</summary>
    /// <param name="file">The text.</param>
    /// <param name="seeds">How many seeds.</param>
    public static int Run(string file, int seeds)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (!File.Exists(file))
        {
            Console.Error.WriteLine($"rank: there is no file {file}; give a text by --data FILE.");
            return 2;
        }

        string text = File.ReadAllText(file);
        var tokenizer = new CharTokenizer(text);
        var data = new TokenStream(tokenizer.Encode(text), file);
        Console.WriteLine("| optimizer | learning rate | validation loss, mean | of each seed | "
            + "steps to a smoothed training loss of 2.3 |\n|---|---|---|---|---|");
        foreach (var contestant in Contestants)
            Console.WriteLine(Line(contestant, Enumerable.Range(1, seeds).Select(s =>
                Train(contestant, data, tokenizer.VocabularySize, (ulong)s)).ToArray()));
        return 0;
    }

    private static string Line(Contestant c, Result[] results) =>
        $"| {c.Name} | {c.LearningRate} | {results.Average(r => r.ValidationLoss):F3} | "
            + $"{string.Join(", ", results.Select(r => $"{r.ValidationLoss:F3}"))} "
        + $"| {string.Join(", ", results.Select(r => r.StepsToTarget?.ToString() ?? "-"))} |";

    private static Result Train(Contestant contestant, TokenStream data, int vocabulary, ulong seed)
    {
        using var model = new Gpt(new GptConfig { VocabularySize = vocabulary, Layers = 2, Heads = 4, Width = 64, Context = Context,
            Bias = false }, Device.Cpu, seed);
        using var updater = new Updater(model.Parameters(), contestant.Route(), new UpdaterOptions
        {
            Seed = seed,
            Schedule = new WarmUpCosine(contestant.LearningRate, contestant.LearningRate / 10, WarmUp, Steps),
        });
        var batches = data.TrainBatches(Batch, Context, seed);
        double smooth = double.NaN;
        int? reached = null;
        for (int step = 1; step <= Steps; step++)
        {
            double loss = updater.Step(() => SmallTask.Loss(model, batches, step)).Loss;
            smooth = double.IsNaN(smooth) ? loss : Smoothing * smooth + (1 - Smoothing) * loss;
            if (smooth <= Target) reached ??= step;
        }

        return new Result(SmallTask.Validate(model, data.ValidationBatches(Batch, Context, seed: 0), ValidationBatches), reached);
    }
}
