using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>The filters against their definitions, written naively.</summary>
public class SamplerTests
{
    private const int Draws = 400;

    [Fact]
    public void Only_tokens_that_the_definitions_leave_are_drawn_and_all_that_are_likely()
    {
        var cases =
            from seed in Gen.Choose(0, 1_000_000)
            from vocabulary in Gen.Elements(1, 2, 5, 17, 33)
            from temperature in Gen.Elements(0.3, 1.0, 2.0)
            from topK in Gen.Elements(0, 1, 2, 7, 33, 50)
            from topP in Gen.Elements(1.0, 0.9, 0.5, 1e-9)
            from minP in Gen.Elements(0.0, 0.05, 0.4, 1.0)
            from penalty in Gen.Elements(1.0, 1.5, 0.7)
            select (seed, vocabulary, new Sampling
            {
                Temperature = temperature,
                TopK = topK,
                TopP = topP,
                MinP = minP,
                RepetitionPenalty = penalty,
                Seed = (ulong)seed,
            });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(Arb.From(cases), c => Agrees(c.seed, c.vocabulary, c.Item3)));
    }

    [Fact]
    public void At_temperature_zero_the_best_token_after_the_penalty_is_taken()
    {
        var sampling = new Sampling { Temperature = 0, RepetitionPenalty = 2, TopK = 1, MinP = 1 };
        Assert.Equal(1, new Sampler(sampling, 3).Choose([1f, 3f, 2f], [0], 0));
        Assert.Equal(2, new Sampler(sampling, 3).Choose([1f, 3f, 2f], [1, 1], 0));
        Assert.Equal(0, new Sampler(sampling, 3).Choose([-1f, -1f, -0.6f], [2], 0));
    }

    /// <summary>
    /// Probabilities 0.5, 0.3, 0.15 and 0.05; the penalty of 2 squares those of tokens that came, as their scores are negative.
    /// </summary>
    [Theory]
    [InlineData(3, 1, 0, 1, "0.5263 0.3158 0.1579 0")] // 0.95 is left
    [InlineData(0, 0.79, 0, 1, "0.625 0.375 0 0")] // 0.5 + 0.3
    [InlineData(0, 0.81, 0, 1, "0.5263 0.3158 0.1579 0")]
    [InlineData(2, 0.7, 0, 1, "0.625 0.375 0 0")] // of the two left the first has 0.625
    [InlineData(2, 0.6, 0, 1, "1 0 0 0")]
    [InlineData(0, 1, 0.4, 1, "0.625 0.375 0 0")] // at least 0.4 of 0.5
    [InlineData(0, 1, 0.2, 1, "0.5263 0.3158 0.1579 0")]
    [InlineData(0, 1, 0, 2, "0.3333 0.4 0.2 0.0667")] // 0.25 in place of 0.5
    [InlineData(1, 1, 0, 2, "0 1 0 0")]
    public void Filters_leave_what_a_hand_computes(int topK, double topP, double minP, double penalty, string expected)
    {
        const int draws = 4000;
        float[] scores = [.. new[] { 0.5, 0.3, 0.15, 0.05 }.Select(p => (float)Math.Log(p))];
        var sampler = new Sampler(new Sampling { Temperature = 1, TopK = topK, TopP = topP, MinP = minP, RepetitionPenalty = penalty }, 4);
        var counts = new int[4];
        for (int row = 0; row < draws; row++) counts[sampler.Choose(scores, [0, 0], row)]++;
        double[] parts = [.. expected.Split(' ').Select(part => double.Parse(part, System.Globalization.CultureInfo.InvariantCulture))];
        for (int id = 0; id < 4; id++) Assert.Equal(parts[id], counts[id] / (double)draws, parts[id] is 0 or 1 ? 0 : 0.04); // 5 deviations
    }

    [Fact]
    public void Rows_draw_apart()
    {
        var sampler = new Sampler(new Sampling { Temperature = 2 }, 9);
        int[] Row(int row) => [.. Enumerable.Range(1, 40).Select(position => sampler.Choose(new float[9], new int[position], row))];
        Assert.Equal(Row(0), Row(0));
        Assert.NotEqual(Row(0), Row(1));
    }

    [Fact]
    public void Selection_puts_the_smallest_first()
    {
        for (int n = 1; n < 40; n++)
            for (int count = 1; count <= n; count++)
            {
                var random = new Random(n * 100 + count);
                var values = Enumerable.Range(0, n).Select(i => ((ulong)random.Next(5) << 32) | (uint)i).ToArray();
                random.Shuffle(values);
                var sorted = values.Order().ToArray();
                Smallest.First(values, count);
                Assert.Equal(sorted[..count], values[..count].Order());
                Assert.Equal(sorted, values.Order());
            }
    }

    [Theory]
    [InlineData(0, 0, 1, "top-p 0 is outside (0, 1]")]
    [InlineData(1.5, 0, 1, "top-p 1.5 is outside (0, 1]")]
    [InlineData(1, -0.1, 1, "min-p -0.1 is outside [0, 1]")]
    [InlineData(1, 2, 1, "min-p 2 is outside [0, 1]")]
    [InlineData(1, 0, 0, "repetition penalty 0 is not a positive number")]
    public void Impossible_settings_are_named(double topP, double minP, double penalty, string message)
    {
        var sampling = new Sampling { TopP = topP, MinP = minP, RepetitionPenalty = penalty };
        Assert.Contains(message, Assert.Throws<ArgumentException>(sampling.Check).Message);
    }

    private static bool Agrees(int seed, int vocabulary, Sampling sampling)
    {
        var random = new Random(seed);
        var scores = Enumerable.Range(0, vocabulary).Select(_ => (float)random.Next(-8, 9) / 4).ToArray(); // with ties
        var before = Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(vocabulary)).ToArray();
        var allowed = Allowed(scores, before, sampling);
        var sampler = new Sampler(sampling, vocabulary);
        var counts = new int[vocabulary];
        for (int row = 0; row < Draws; row++) counts[sampler.Choose(scores, before, row)]++;
        for (int id = 0; id < vocabulary; id++)
        {
            double p = allowed.GetValueOrDefault(id), deviation = Math.Sqrt(p * (1 - p) / Draws);
            if (p == 0 ? counts[id] > 0 : Math.Abs(counts[id] / (double)Draws - p) > 6 * deviation + 0.01) return false;
        }

        return true;
    }

    /// <summary>The probability of each token that can be drawn.</summary>
    private static Dictionary<int, double> Allowed(float[] scores, int[] before, Sampling sampling)
    {
        double Penalised(int id) => !before.Contains(id) ? scores[id]
            : scores[id] > 0 ? (float)(scores[id] / sampling.RepetitionPenalty) : (float)(scores[id] * sampling.RepetitionPenalty);
        var kept = Enumerable.Range(0, scores.Length).OrderByDescending(Penalised).ThenBy(id => id).ToList();
        double Weight(int id) => Math.Exp((Penalised(id) - Penalised(kept[0])) / sampling.Temperature);
        if (sampling.TopK > 0) kept = [.. kept.Take(sampling.TopK)];
        double sum = kept.Sum(Weight);
        int nucleus = Enumerable.Range(1, kept.Count).First(n => n == kept.Count || kept.Take(n).Sum(Weight) >= sampling.TopP * sum);
        kept = [.. kept.Take(nucleus)];
        kept = [.. kept.Where(id => Weight(id) >= sampling.MinP * Weight(kept[0]))];
        double rest = kept.Sum(Weight);
        return kept.ToDictionary(id => id, id => Weight(id) / rest);
    }
}
