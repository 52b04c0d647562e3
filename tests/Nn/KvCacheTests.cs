using Extending;

namespace Mayfly.Tests;

/// <summary>Scores from kept keys and values are those of the whole sequence, however it was fed.</summary>
public class KvCacheTests
{
    private const int Context = 37, Vocabulary = 7;

    private static readonly GptConfig SmallGpt =
        new() { VocabularySize = Vocabulary, Context = Context, Layers = 2, Heads = 3, Width = 48, Dropout = 0.5f };

    private static readonly LlamaConfig SmallLlama = new()
    {
        VocabularySize = Vocabulary,
        Context = Context,
        Layers = 2,
        Heads = 6,
        KvHeads = 2,
        Width = 48,
        Dropout = 0.5f,
    };

    private static readonly ParallelConfig SmallParallel =
        new() { VocabularySize = Vocabulary, Context = Context, Layers = 2, Heads = 6, KvHeads = 3, Width = 48, Dropout = 0.5f };

    public static TheoryData<ModelConfig, bool> Models => new()
    {
        { SmallGpt, false },
        { SmallGpt with { KvHeads = 1, TiedHead = true }, true },
        { SmallLlama, false },
        { SmallLlama with { RotaryHalves = true, TiedHead = true }, false },
        { SmallLlama with { KvHeads = 0, CheckpointBlocks = true }, true },
        { SmallParallel, false },
        { new TrigramConfig { VocabularySize = Vocabulary, Context = Context, Width = 8 }, true },
        { new QkNormConfig { VocabularySize = Vocabulary, Context = Context, Layers = 2, Heads = 3, Width = 24 }, true },
    };

    /// <summary>
    /// A user's attention, which scales queries, keys and values to one size before they turn; each block has angles of its own.
    /// </summary>
    private sealed record QkNormConfig : DecoderConfig
    {
        protected internal override Module NewNorm(ParameterSource source) => new RmsNorm(source, Width);

        protected internal override Module NewMlp(ParameterSource source) => new Mlp(source, Width);

        protected internal override Module NewAttention(ParameterSource source, Rotation? rotation) =>
            new QkNorm(source, this, new Rotation(source.Device.RotaryTable(Context, HeadSize)));
    }

    private sealed class QkNorm : Attention
    {
        private readonly Module norm;

        public QkNorm(ParameterSource source, QkNormConfig config, Rotation rotation)
            : base(source, config.Width, config.Heads, rotation: rotation)
        {
            AddConstant(rotation.Table);
            norm = Add("qknorm", new RmsNorm(source, config.HeadSize));
        }

        protected override Tensor Project(Tensor x)
        {
            var qkv = base.Project(x); // (B, T, 3 C)
            return norm.Call(qkv.Reshape((qkv.Shape[0], qkv.Shape[1], -1, HeadSize))).Reshape(qkv.Shape);
        }
    }

    public static TheoryData<ModelConfig> Shapes => [.. Models.Select(m => m.Data.Item1)];

    [Theory]
    [MemberData(nameof(Models))]
    public void Any_prompt_length_then_token_by_token(ModelConfig config, bool reference)
    {
        using var fixture = new Fixture(config, reference, rows: 1);
        for (int prompt = 1; prompt <= Context; prompt += reference ? 6 : 1)
        {
            fixture.Cache.Truncate(0, 0);
            fixture.Extend([(0, prompt)]);
            while (fixture.Cache.Length(0) < Context) fixture.Extend([(0, 1)]);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Batches_of_any_lengths_in_any_steps(ModelConfig config, bool reference)
    {
        for (int seed = 0; seed < (reference ? 2 : 10); seed++)
        {
            var random = new Random(seed);
            using var fixture = new Fixture(config, reference, rows: 1 + seed % 5);
            for (int step = 0; step < 12; step++) fixture.Extend(Draw(random, fixture.Cache));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Neighbours_of_one_length_are_served_together(ModelConfig config, bool reference)
    {
        using var fixture = new Fixture(config, reference, rows: 4);
        fixture.Extend([(0, 5), (1, 5), (2, 9), (3, 9)]);
        fixture.Extend([(0, 1), (1, 1), (2, 1), (3, 1)]);
        fixture.Extend([(3, 2), (2, 2), (0, 3), (1, 3)]);
        fixture.Cache.Truncate(1, 4);
        fixture.Extend([(0, 1), (1, 6), (3, 1)]);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Threads_do_not_change_a_bit(ModelConfig config)
    {
        var one = Bits(1);
        Assert.Equal(one, Bits(2));
        Assert.Equal(one, Bits(3));

        float[] Bits(int threads)
        {
            using var device = Device.CreateCpu(threads);
            using var model = Make(config, device);
            using var cache = model.NewCache(3);
            var all = new List<float>();
            foreach (int count in new[] { 17, 1, 1, 12 })
            {
                using var scores =
                    model.Extend(cache, [Tokens(0, cache, count), Tokens(1, cache, count), Tokens(2, cache, Math.Max(1, count - 4))]);
                all.AddRange(scores.ToArray());
            }

            return [.. all];
        }
    }

    [Fact]
    public void The_cache_is_made_once_and_freed()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Llama(SmallLlama, device);
        using (var first = model.NewCache(3, 20)) model.Extend(first, [Tokens(1, first, 1)]).Dispose(); // makes the table of rotations
        long before = device.Arena.Report.LiveBytes;
        using (var cache = model.NewCache(3, 20))
        {
            Assert.Equal(2L * 2 * 3 * 20 * 2 * 8 * sizeof(float), cache.Bytes);
            Assert.Equal(before + cache.Bytes, device.Arena.Report.LiveBytes);
            for (int i = 0; i < 20; i++) model.Extend(cache, [Tokens(1, cache, 1)]).Dispose();
            Assert.Equal(before + cache.Bytes, device.Arena.Report.LiveBytes);
        }

        Assert.Equal(before, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void A_tape_does_not_see_it()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Llama(SmallLlama, device);
        using var cache = model.NewCache(1);
        using var tape = Tape.Record(device);
        model.Extend(cache, [Tokens(0, cache, 3)]);
        Assert.Empty(tape.Nodes);
    }

    [Fact]
    public void A_cache_serves_its_own_model_and_one_attention_once()
    {
        using var device = Device.CreateCpu(threads: 1);
        using Llama model = new(SmallLlama, device), other = new(SmallLlama, device);
        using var cache = other.NewCache(1);
        var e = Assert.Throws<ArgumentException>(() => model.Extend(cache, [Tokens(0, cache, 3)]));
        Assert.Contains("the cache has no room for blocks.0.attention: it is of another model", e.Message);
        using var early = model.NewCache(1);
        model.Replace("blocks.0.attention", attention => new Same(attention));
        Assert.Contains("older than a Replace", Assert.Throws<ArgumentException>(() => model.Extend(early, [Tokens(0, early, 3)])).Message);
        using var late = model.NewCache(1);
        model.Extend(late, [Tokens(0, late, 3)]).Dispose();
        model.Replace("blocks.1", block => new Same(block, times: 2));
        using var twice = model.NewCache(1);
        Assert.Contains("blocks.1.inner.attention attends twice",
            Assert.Throws<InvalidOperationException>(() => model.Extend(twice, [Tokens(0, twice, 3)])).Message);
        Assert.True(model.IsTraining, "a failure leaves the model in training");
    }

    /// <summary>A module run once or more.</summary>
    private sealed class Same : Module
    {
        private readonly Module inner;
        private readonly int times;

        public Same(Module inner, int times = 1) => (this.inner, this.times) = (Add("inner", inner), times);

        protected override Tensor Forward(Tensor x)
        {
            for (int i = 0; i < times; i++) x = inner.Call(x);
            return x;
        }
    }

    [Fact]
    public void Impossible_requests_are_errors_that_change_nothing()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new Gpt(SmallGpt, device);
        Assert.Contains("0 rows", Assert.Throws<ArgumentException>(() => model.NewCache(0)).Message);
        Assert.Contains("from 1 to the model's context of 37", Assert.Throws<ArgumentException>(() => model.NewCache(1, 38)).Message);
        using var cache = model.NewCache(2, 4);
        Assert.Contains("no rows", Message());
        Assert.Contains("row 2 of a cache of 2 rows", Message(new RowTokens(2, new[] { 1 })));
        Assert.Contains("row 1 comes twice", Message(new RowTokens(1, new[] { 1 }), new RowTokens(1, new[] { 1 })));
        Assert.Contains("row 0 gets no token", Message(new RowTokens(0, Array.Empty<int>())));
        Assert.Contains("row 0 holds 0 of 4 tokens and gets 5 more", Message(new RowTokens(0, new int[5])));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Extend(cache, [new RowTokens(0, new[] { 7 })]));
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Truncate(0, 1));
        Assert.Equal(0, cache.Length(0));

        string Message(params RowTokens[] rows) => Assert.Throws<ArgumentException>(() => model.Extend(cache, rows)).Message;
    }

    private static List<(int Row, int Count)> Draw(Random random, KvCache cache)
    {
        var rows = Enumerable.Range(0, cache.Rows).ToArray();
        if (random.Next(2) == 0) random.Shuffle(rows);
        bool even = random.Next(2) == 0;
        int count = random.Next(1, 6);
        var drawn = new List<(int, int)>();
        foreach (int row in rows)
        {
            if (random.Next(10) == 0) cache.Truncate(row, random.Next(cache.Length(row) + 1));
            int wanted = Math.Min(even ? count : random.Next(4), cache.Capacity - cache.Length(row));
            if (wanted > 0) drawn.Add((row, wanted));
        }

        if (drawn.Count > 0) return drawn;
        cache.Truncate(0, 0);
        return [(0, 1)];
    }

    private static LanguageModel Make(ModelConfig config, Device device)
    {
        var model = config.Create(device);
        GptTests.Spread(model);
        return model;
    }

    /// <summary>The tokens of a row; rows differ.</summary>
    private static int[] Sequence(int row)
    {
        var random = new Random(100 + row);
        return [.. Enumerable.Range(0, Context).Select(_ => random.Next(Vocabulary))];
    }

    private static RowTokens Tokens(int row, KvCache cache, int count) => new(row, Sequence(row).AsMemory(cache.Length(row), count));

    /// <summary>A model, a cache, and the scores of the whole sequences.</summary>
    private sealed class Fixture : IDisposable
    {
        private readonly Device device;
        private readonly LanguageModel model;
        private readonly double[][] full;
        private readonly double tolerance;

        public Fixture(ModelConfig config, bool reference, int rows)
        {
            tolerance = reference ? 1e-12 : 1e-5;
            device = reference ? Device.CreateReference() : Device.CreateCpu(threads: 1);
            model = Make(config, device);
            Cache = model.NewCache(rows);
            model.Eval();
            full = [.. Enumerable.Range(0, rows).Select(Full)];
            model.Train();
        }

        public KvCache Cache { get; }

        /// <summary>Feeds the next tokens of some rows and compares the scores.</summary>
        public void Extend(List<(int Row, int Count)> counts)
        {
            using var scores = model.Extend(Cache, [.. counts.Select(c => Tokens(c.Row, Cache, c.Count))]);
            var found = scores.ToArray<double>();
            Assert.Equal(counts.Count * Vocabulary, found.Length);
            for (int i = 0; i < counts.Count; i++)
                for (int v = 0; v < Vocabulary; v++)
                {
                    double expected = full[counts[i].Row][(Cache.Length(counts[i].Row) - 1) * Vocabulary + v];
                    Assert.True(Math.Abs(found[i * Vocabulary + v] - expected) <= tolerance,
                        $"row {counts[i].Row} at {Cache.Length(counts[i].Row)}: {found[i * Vocabulary + v]}, whole {expected}");
                }
        }

        public void Dispose()
        {
            Cache.Dispose();
            model.Dispose();
            device.Dispose();
        }

        private double[] Full(int row)
        {
            using var scope = device.Scope("whole");
            return model.Logits(Tensor.From<int>(Sequence(row), (1, Context), device)).ToArray<double>();
        }
    }
}
