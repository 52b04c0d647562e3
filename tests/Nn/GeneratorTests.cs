namespace Mayfly.Tests;

/// <summary>Batches, stop texts and streams.</summary>
public class GeneratorTests
{
    private static readonly Sampling Greedy = new() { Temperature = 0 };
    private static readonly int[][] Prompts = [[1], [4, 5, 6, 7, 1, 2], [3, 3], [2, 6, 5, 1, 0, 4, 2, 1, 6, 5, 4, 3]];

    private static readonly ModelConfig[] Configs =
    [
        new GptConfig { VocabularySize = 8, Context = 9, Layers = 2, Heads = 2, Width = 16 },
        new LlamaConfig { VocabularySize = 8, Context = 9, Layers = 2, Heads = 4, KvHeads = 2, Width = 16 },
    ];

    public static TheoryData<ModelConfig> Models => [.. Configs];

    [Theory]
    [MemberData(nameof(Models))]
    public void Each_row_of_a_batch_is_the_row_alone_and_the_best_of_the_whole_forward(ModelConfig config)
    {
        foreach (int threads in new[] { 1, 2 })
        {
            using var device = Device.CreateCpu(threads);
            using var model = Make(config, device);
            var batch = Rows(model.GenerateBatch(Prompts, 14, Greedy));
            for (int row = 0; row < Prompts.Length; row++)
            {
                Assert.Equal(Naive(model, Prompts[row], 14), batch[row]);
                Assert.Equal(batch[row], model.Generate(Prompts[row], 14, Greedy));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Tokens_stream_in_steps_with_their_positions(ModelConfig config)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = Make(config, device);
        var tokens = model.GenerateBatch(Prompts, 3, new Sampling { Temperature = 3 }).ToArray();
        Assert.Equal(12, tokens.Length);
        for (int i = 0; i < tokens.Length; i++)
        {
            Assert.Equal(i % 4, tokens[i].Row);
            Assert.Equal(Prompts[i % 4].Length + i / 4, tokens[i].Position);
        }

        Assert.Empty(model.GenerateBatch(Prompts, 0, Greedy));
    }

    [Fact]
    public void Equal_prompts_of_a_batch_draw_apart_and_a_seed_repeats_them()
    {
        using var device = Device.CreateCpu(threads: 2);
        using var model = Make(Configs[1], device);
        int[][] prompts = [[1], [1], [1]];
        var rows = Rows(model.GenerateBatch(prompts, 30, new Sampling { Temperature = 2, Seed = 5 }));
        Assert.NotEqual(rows[0], rows[1]);
        Assert.NotEqual(rows[1], rows[2]);
        Assert.Equal(rows, Rows(model.GenerateBatch(prompts, 30, new Sampling { Temperature = 2, Seed = 5 })));
        Assert.NotEqual(rows, Rows(model.GenerateBatch(prompts, 30, new Sampling { Temperature = 2, Seed = 6 })));
        Assert.Equal(rows[0], model.Generate([1], 30, new Sampling { Temperature = 2, Seed = 5 }));
    }

    [Fact]
    public void A_stopped_row_leaves_the_others_alone()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = Make(Configs[0], device);
        using var generator = new Generator(model, Prompts, 10, Greedy);
        generator.Step();
        generator.Stop(1);
        while (!generator.IsDone) Assert.DoesNotContain(generator.Step(), t => t.Row == 1);
        Assert.Equal(Prompts[1].Length + 1, generator.Tokens(1).Count);
        Assert.Equal(model.Generate(Prompts[2], 10, Greedy), generator.Tokens(2).Skip(Prompts[2].Length));
        Assert.Empty(generator.Step());
    }

    [Fact]
    public void Text_ends_before_its_first_stop_text()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = Make(Configs[1], device);
        var sampling = new Sampling { Temperature = 2, Seed = 9 };
        string whole = Text(model, sampling, [], null);
        Assert.Equal(40, whole.Length);
        for (int length = 1; length <= 4; length++)
        {
            string stop = whole.Substring(20, length);
            Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], Text(model, sampling, ["never", stop], null));
        }

        Assert.Equal(whole, Text(model, sampling, [whole[^2..] + "!"], null));
        Assert.Equal(whole[..whole.IndexOf('d')], Text(model, sampling, ["xyz"], 3));
        Assert.Throws<ArgumentException>(() => Text(model, sampling, [""], null));
    }

    [Fact]
    public void Text_streams_whole_characters_and_holds_back_the_start_of_a_stop()
    {
        var bytes = "añb€\nUser: x"u8.ToArray();
        var stream = new TextStream(ids => System.Text.Encoding.UTF8.GetString(Array.ConvertAll(ids, i => (byte)i)), ["\nUser:", "\n\n"]);
        var pieces = bytes.Select(b => stream.Push(b)).ToArray();
        Assert.Equal("a||ñ|b|||€||||||||", string.Join('|', pieces));
        Assert.True(stream.IsStopped);
        Assert.Equal("", stream.Finish());
    }

    [Fact]
    public void What_was_held_back_comes_at_the_end()
    {
        var stream = new TextStream(ids => System.Text.Encoding.UTF8.GetString(Array.ConvertAll(ids, i => (byte)i)), ["abc"]);
        Assert.Equal("x", string.Concat("xab"u8.ToArray().Select(b => stream.Push(b))) + stream.Push(0xE2));
        Assert.Equal("ab\uFFFD", stream.Finish());
    }

    private static LanguageModel Make(ModelConfig config, Device device)
    {
        var model = config.Create(device, seed: 2);
        GptTests.Spread(model);
        return model;
    }

    private static string Text(LanguageModel model, Sampling sampling, string[] stops, int? end)
    {
        var pieces = model.GenerateText([[1]], 40, sampling, ids => string.Concat(ids.Select(i => (char)('a' + i))), stops, end).ToArray();
        Assert.All(pieces, p => Assert.NotEmpty(p.Text));
        return string.Concat(pieces.Select(p => p.Text));
    }

    private static int[][] Rows(IEnumerable<GeneratedToken> tokens) =>
        [.. tokens.GroupBy(t => t.Row).OrderBy(g => g.Key).Select(g => g.Select(t => t.Id).ToArray())];

    /// <summary>The best token by the whole forward over the last context, again and again.</summary>
    private static int[] Naive(LanguageModel model, int[] prompt, int count)
    {
        var tokens = prompt.ToList();
        for (int i = 0; i < count; i++)
        {
            using var scope = model.Device.Scope("naive");
            var window = tokens.TakeLast(model.Context).ToArray();
            tokens.Add(model.Logits(Tensor.From<int>(window, (1, window.Length), model.Device)).ArgMax().ToArray<int>()[^1]);
        }

        return [.. tokens.Skip(prompt.Length)];
    }
}
