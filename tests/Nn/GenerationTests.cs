namespace Mayfly.Tests;

public class GenerationTests
{
    private static readonly float[] Scores = [0.5f, 2f, -1f, 2f, 1f];

    [Fact]
    public async Task Tokens_come_asynchronously_until_they_are_cancelled()
    {
        using var model = new Gpt(new GptConfig { VocabularySize = 7, Context = 8, Layers = 1, Heads = 1, Width = 8 });
        var sampling = new Sampling { Seed = 3 };
        using var stop = new CancellationTokenSource();
        var tokens = new List<int>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (int token in model.GenerateAsync([1, 2], 10, sampling, stop.Token))
            {
                tokens.Add(token);
                if (tokens.Count == 4) stop.Cancel();
            }
        });
        Assert.Equal(model.Generate([1, 2], 4, sampling), tokens);
    }

    [Fact]
    public void At_temperature_zero_the_best_token_is_taken_and_the_first_of_equals() =>
        Assert.Equal(1, Draw(new Sampling { Temperature = 0 }, 7));

    [Fact]
    public void With_top_k_of_one_the_best_token_is_taken() => Assert.Equal(1, Draw(new Sampling { TopK = 1 }, 7));

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0.5, 0)]
    [InlineData(1, 3)]
    [InlineData(2, 99)]
    public void Tokens_come_as_often_as_the_softmax_says(double temperature, int topK)
    {
        const int draws = 20_000;
        var sampling = new Sampling { Temperature = temperature, TopK = topK, Seed = 3 };
        var counts = new int[Scores.Length];
        for (int position = 0; position < draws; position++) counts[Draw(sampling, position)]++;

        var kept = Scores.Order().Reverse().Take(topK == 0 ? Scores.Length : topK).ToArray();
        double sum = kept.Sum(s => Math.Exp(s / temperature));
        for (int i = 0; i < Scores.Length; i++)
        {
            double expected = kept.Contains(Scores[i]) ? Math.Exp(Scores[i] / temperature) / sum : 0;
            Assert.Equal(expected, counts[i] / (double)draws, 0.015); // 4 deviations
        }
    }

    [Fact]
    public void A_draw_depends_on_seed_and_position()
    {
        int[] Run(ulong seed) => [.. Enumerable.Range(0, 50).Select(p => Draw(new Sampling { Temperature = 2, Seed = seed }, p))];
        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
        Assert.True(Run(1).Distinct().Count() > 1);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Damaged_scores_are_an_error(float score) =>
        Assert.Contains("weights are damaged",
            Assert.Throws<ArithmeticException>(() => new Sampler(new Sampling(), 2).Choose([0, score], [], 0)).Message);

    [Fact]
    public void The_model_sees_the_last_tokens_of_its_context()
    {
        using var model = new Gpt(new GptConfig { VocabularySize = 11, Context = 4, Layers = 1, Heads = 2, Width = 8, Dropout = 0.5f });
        var greedy = new Sampling { Temperature = 0 };
        int[] shortPrompt = [4, 5, 6, 7], longPrompt = [1, 2, 3, .. shortPrompt];
        Assert.Equal(model.Generate(shortPrompt, 9, greedy), model.Generate(longPrompt, 9, greedy));
        Assert.True(model.IsTraining);
    }

    [Fact]
    public void Nothing_stays_in_memory()
    {
        using var device = Device.CreateCpu(1);
        using var model = new Gpt(new GptConfig { VocabularySize = 11, Context = 4, Layers = 1, Heads = 2, Width = 8 }, device);
        long before = device.Arena.Report.LiveBytes;
        Assert.Equal(6, model.Generate([1], 6, new Sampling()).Count());
        Assert.Equal(before, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void Impossible_requests_are_errors_before_the_first_token()
    {
        using var model = new Gpt(new GptConfig { VocabularySize = 11, Context = 4, Layers = 1, Heads = 2, Width = 8 });
        Assert.Throws<ArgumentException>(() => model.Generate([], 1, new Sampling()));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Generate([1], -1, new Sampling()));
        Assert.Throws<ArgumentException>(() => model.Generate([1], 1, new Sampling { Temperature = double.NaN }));
        Assert.Throws<ArgumentException>(() => model.Generate([1], 1, new Sampling { TopK = -1 }));
    }

    private static int Draw(Sampling sampling, int position) => new Sampler(sampling, Scores.Length).Choose(Scores, new int[position], 0);
}
