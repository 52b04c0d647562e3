using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mayfly.Tests;

/// <summary>The Llama's structure, gradients, grouped heads and positions.</summary>
public class LlamaTests
{
    private static readonly LlamaConfig Tiny =
        new() { VocabularySize = 7, Context = 5, Layers = 2, Heads = 4, KvHeads = 2, Width = 16, Hidden = 11 };

    public static TheoryData<string, LlamaConfig, int> Variants => new()
    {
        { "grouped heads", Tiny, 37 },
        { "as many key heads", Tiny with { KvHeads = 0 }, 53 },
        { "one key head, pairs by halves, tied head", Tiny with { KvHeads = 1, RotaryHalves = true, TiedHead = true }, 37 },
        { "tied head, another theta", Tiny with { TiedHead = true, Theta = 100 }, 53 },
        { "checkpointed blocks with dropout", Tiny with { Dropout = 0.2f, CheckpointBlocks = true }, 53 },
    };

    public static TheoryData<LlamaConfig, string> BadConfigs => new()
    {
        { Tiny with { Heads = 3 }, "LlamaConfig: Width 16 is not divisible by Heads 3; choose a width that is a multiple of the heads." },
        { Tiny with { KvHeads = 3 }, "LlamaConfig: Heads 4 is not divisible by KvHeads 3; choose a divisor of the heads." },
        { Tiny with { KvHeads = -1 }, "LlamaConfig: KvHeads is -1; it must be at least 0." },
        { Tiny with { Width = 20 },
            "LlamaConfig: Width 20 over Heads 4 makes heads of odd size 5; rotary positions turn pairs, so choose an even one." },
        { Tiny with { Theta = 0 }, "LlamaConfig: Theta 0 is not a positive number; the usual one is 10000." },
        { Tiny with { Epsilon = float.NaN }, "LlamaConfig: Epsilon NaN is not a positive number; the usual one is 1e-5." },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gradients_agree_with_finite_differences(string name, LlamaConfig config, int stride)
    {
        Assert.NotEmpty(name);
        using var device = Device.CreateReference();
        using var llama = new Llama(config, device, seed: 3);
        GptTests.Spread(llama);
        ModelGradCheck.Run(llama, () => llama.Loss(GptTests.Ids(device, 2, 5, 1), GptTests.Ids(device, 2, 5, 2)), stride);
    }

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void A_bad_configuration_is_refused_in_one_line(LlamaConfig config, string message)
    {
        using var device = Device.CreateCpu(threads: 1);
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new Llama(config, device)).Message);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void Names_shapes_and_roles_follow_the_structure()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var llama = new Llama(Tiny, device);
        Assert.Equal(1 + 2 * 7 + 2, llama.Parameters().Count);
        Assert.Equal(new Shape(32, 16), llama["blocks.0.attention.qkv.weight"].Shape);
        Assert.Equal(new Shape(11, 16), llama["blocks.1.mlp.gate.weight"].Shape);
        Assert.Equal(new Shape(16, 11), llama["blocks.1.mlp.down.weight"].Shape);
        Assert.Equal(Role.Gain, llama["blocks.1.norm2.gain"].Role);
        Assert.Equal(Role.Head, llama["head.weight"].Role);
        Assert.Equal(Tiny.CountParameters(), llama.ParameterCount);
    }

    [Fact]
    public void Its_memory_goes_with_it()
    {
        using var device = Device.CreateCpu(threads: 1);
        new Llama(Tiny, device).Dispose();
        using (device.Scope("a scope does not own the model's constants"))
        {
            using var inside = new Llama(Tiny, device);
        }

        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_shift_of_all_positions_does_not_change_what_attention_sees(bool halves)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("shift");
        var key = new RandomKey(3, 0);
        var qkv = Tensor.Uniform((2, 5, 32), -1, 1, key, device);
        var table = device.RotaryTable(16, 8);
        var here = qkv.RotaryQkv(table, 2, 1, halves).CausalAttention(2, 1).ToArray<double>();
        var there = qkv.RotaryQkv(table.Slice(0, 11, 5), 2, 1, halves).CausalAttention(2, 1).ToArray<double>();
        var still = qkv.CausalAttention(2, 1).ToArray<double>();
        for (int i = 0; i < here.Length; i++) Assert.Equal(here[i], there[i], 1e-12);
        Assert.Contains(Enumerable.Range(0, here.Length), i => Math.Abs(here[i] - still[i]) > 1e-3);
    }

    [Fact]
    public void As_many_key_heads_as_heads_are_the_default_to_the_bit()
    {
        using var device = Device.CreateCpu(threads: 1);
        Assert.Equal(Scores(Tiny with { KvHeads = 0 }, device, _ => { }), Scores(Tiny with { KvHeads = 4 }, device, _ => { }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Grouped_heads_equal_repeated_ones(int kvHeads)
    {
        using var device = Device.CreateReference();
        var weights = new Dictionary<string, double[]>();
        var few = Scores(Tiny with { KvHeads = kvHeads }, device, model =>
            weights = model.Parameters().ToDictionary(p => p.Name, p => p.Value.ToArray<double>()));
        var many = Scores(Tiny with { KvHeads = 0 }, device, model =>
        {
            foreach (var p in model.Parameters())
                p.Value.CopyFrom<double>(p.Name.EndsWith("qkv.weight") ? Repeated(weights[p.Name], kvHeads) : weights[p.Name]);
        });
        for (int i = 0; i < few.Length; i++) Assert.Equal(few[i], many[i], 1e-12);
    }

    [Theory]
    [InlineData("gpt2-124m", 124_439_808, 64, 1024)]
    [InlineData("llama-60m", 58_073_600, 64, 1024)]
    [InlineData("llama-130m", 134_105_856, 64, 1024)]
    [InlineData("llama-350m", 367_969_280, 64, 1024)]
    [InlineData("llama-1b", 1_339_082_752, 64, 1024)]
    [InlineData("llama-7b", 6_738_415_616, 128, 2048)]
    [InlineData("llama-13b", 13_015_864_320, 128, 2048)]
    public void Named_models_have_their_published_size(string name, long parameters, int headSize, int context)
    {
        var config = ModelConfig.Named(name);
        config.Check();
        Assert.Equal((parameters, headSize, context), (config.CountParameters(), config.HeadSize, config.Context));
        Assert.True(config is GptConfig or LlamaConfig { Epsilon: 1e-6f, TiedHead: false, KvHeads: 0, Theta: 10000 });
        Assert.Equal(config, config is GptConfig ? GptConfig.Named(name) : LlamaConfig.Named(name));
        Assert.Contains(name, ModelNames.All);
    }

    [Fact]
    public void Counts_agree_with_the_models()
    {
        using var device = Device.CreateCpu(threads: 1);
        var gpt = new GptConfig { VocabularySize = 11, Layers = 2, Width = 24, Heads = 4 };
        ModelConfig[] configs =
        [
            gpt, gpt with { Bias = false, TiedHead = true }, gpt with { KvHeads = 2, Hidden = 17 },
            Tiny, Tiny with { TiedHead = true, KvHeads = 0 }, Tiny with { Hidden = 0 },
        ];
        foreach (var config in configs)
        {
            using var model = config.Create(device);
            Assert.Equal(model.ParameterCount, config.CountParameters());
        }
    }

    [Fact]
    public void An_unknown_name_lists_the_known_ones()
    {
        Assert.Contains("'gpt5'; known are gpt2-124m, llama-60m",
            Assert.Throws<ArgumentException>(() => ModelConfig.Named("gpt5")).Message);
        Assert.StartsWith("No LlamaConfig is named 'gpt2-124m'; known are llama-60m",
            Assert.Throws<ArgumentException>(() => LlamaConfig.Named("gpt2-124m")).Message);
    }

    [Fact]
    public void A_configuration_goes_through_json_with_its_kind()
    {
        ModelConfig[] configs = [Tiny with { Theta = 500 }, GptConfig.Named("gpt2-124m")];
        foreach (var config in configs)
        {
            string json = JsonSerializer.Serialize(config);
            Assert.Equal(config, JsonSerializer.Deserialize<ModelConfig>(json));
        }
    }

    /// <summary>A kind that nobody registers but the test.</summary>
    private sealed record OwnConfig : ModelConfig
    {
        public int Depth { get; init; } = 3;

        public override LanguageModel Create(Device? device = null, ulong seed = 1) =>
            new Llama(new LlamaConfig { VocabularySize = VocabularySize, Layers = 1 }, device, seed);
    }

    [Fact]
    public void A_kind_of_ones_own_goes_through_json_once_it_is_registered()
    {
        var own = new OwnConfig { VocabularySize = 5, Depth = 7 };
        Assert.Contains("OwnConfig has no kind; make it known by ModelConfig.Register",
            Assert.Throws<JsonException>(() => Json(own)).Message);
        Assert.Contains("no kind 'own' of models; known are gpt, llama", Unread("""{"kind":"own","VocabularySize":5}"""));
        ModelConfig.Register("own", new OwnConfig { VocabularySize = 1 });
        ModelConfig.Register("own", new OwnConfig { VocabularySize = 2 });
        Assert.Contains("own", ModelConfig.Kinds);
        Assert.Equal(new OwnConfig { VocabularySize = 2 }, ModelConfig.OfKind("own"));
        Assert.StartsWith("""{"kind":"own","Depth":7,""", Json(own));
        Assert.Equal(own, JsonSerializer.Deserialize<ModelConfig>(Json(own)));
        Assert.Equal(own, JsonSerializer.Deserialize<ModelConfig>("""{"VocabularySize":5,"Depth":7,"kind":"own"}"""));
        using (var model = own.Create(Device.Cpu)) Assert.Equal(model.ParameterCount, own.CountParameters());

        Assert.Contains("'own' for GptConfig, but 'gpt' is the kind of GptConfig",
            Unregistered("own", new GptConfig { VocabularySize = 1 }));
        Assert.Contains("'mine' for OwnConfig, but 'own' is the kind of OwnConfig", Unregistered("mine", own));
        Assert.Contains("no kind 'nobody' of models", Assert.Throws<ArgumentException>(() => ModelConfig.OfKind("nobody")).Message);

        static string Json(ModelConfig config) => JsonSerializer.Serialize(config);
        static string Unregistered(string kind, ModelConfig start) =>
            Assert.Throws<ArgumentException>(() => ModelConfig.Register(kind, start)).Message;
    }

    [Theory]
    [InlineData("""{"VocabularySize":5}""", "the model has no kind")]
    [InlineData("""{"kind":3,"VocabularySize":5}""", "the model has no kind")]
    [InlineData("[]", "the model has no kind")]
    [InlineData("""{"kind":"gpt"}""", "VocabularySize")]
    [InlineData("""{"kind":"gpt","VocabularySize":5,"Theta":1}""", "Theta")]
    public void Bad_json_of_a_configuration_is_named(string json, string problem) => Assert.Contains(problem, Unread(json));

    private static string Unread(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<ModelConfig>(
        json, new JsonSerializerOptions { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow })).Message;

    private static double[] Scores(LlamaConfig config, Device device, Action<Llama> prepare)
    {
        using var llama = new Llama(config, device);
        GptTests.Spread(llama);
        prepare(llama);
        using var ids = GptTests.Ids(device, 2, 5, 1);
        using var scores = llama.Logits(ids);
        return scores.ToArray<double>();
    }

    /// <summary>The fused weight with each key and value head repeated until there are as many as query heads.</summary>
    private static double[] Repeated(double[] fused, int kvHeads)
    {
        int size = Tiny.HeadSize * Tiny.Width, heads = Tiny.Heads;
        var blocks = fused.Chunk(size).ToArray();
        var order = Enumerable.Range(0, heads)
            .Concat(Enumerable.Range(0, heads).Select(h => heads + h * kvHeads / heads))
            .Concat(Enumerable.Range(0, heads).Select(h => heads + kvHeads + h * kvHeads / heads));
        return [.. order.SelectMany(i => blocks[i])];
    }
}
