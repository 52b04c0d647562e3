namespace Mayfly.Tests;

/// <summary>Low-rank adapters: what they compute, what trains, and their files.</summary>
public class LoraTests
{
    private static readonly Device Cpu = Device.CreateCpu(threads: 1);

    private static readonly Dictionary<string, ModelConfig> Shapes = new()
    {
        ["llama"] = Llama,
        ["llama of halves"] = Llama with { RotaryHalves = true },
        ["gpt"] = new GptConfig { VocabularySize = 30, Context = 16, Layers = 2, Heads = 4, Width = 32, TiedHead = true },
        ["llama in brain floats"] = Llama with { Weights = DType.BF16 },
    };

    public static TheoryData<string> Names => [.. Shapes.Keys];

    private static LlamaConfig Llama => new()
    {
        VocabularySize = 30, Context = 16, Layers = 2, Heads = 4, KvHeads = 2, Width = 32, Hidden = 40,
    };

    [Fact]
    public void An_adapter_adds_the_product_of_its_matrices()
    {
        using var model = Make("llama", out _, new LoraOptions { Rank = 2, Alpha = 6, Targets = ["k", "down"] });
        var fused = (LoraLinear)model.Modules().Single(module => module.Path == "blocks.1.attention.qkv");
        var (name, first, a, b, scale) = Assert.Single(fused.Adapters);
        Assert.Equal(("blocks.1.attention.k", 32, 3f), (name, first, scale));
        Spread(model, 5);
        using var scope = Cpu.Scope("test");
        var x = Tensor.Uniform((3, 32), -1, 1, new RandomKey(1, 1), Cpu);
        double[] w = fused.Layer.Weight.Value.ToArray<double>(), values = x.ToArray<double>(), down = a.Value.ToArray<double>(),
            up = b.Value.ToArray<double>(); // (64, 32), (3, 32), (2, 32), (16, 2)
        float[] y = fused.Call(x).ToArray(); // (3, 64)
        for (int row = 0; row < 3; row++)
            for (int o = 0; o < 64; o++)
            {
                double right = 0;
                for (int i = 0; i < 32; i++)
                    right += values[row * 32 + i] * (w[o * 32 + i] + (o is < 32 or >= 48 ? 0
                        : 3 * (up[(o - 32) * 2] * down[i] + up[(o - 32) * 2 + 1] * down[32 + i])));
                Assert.Equal(right, y[row * 64 + o], 1e-5);
            }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Adapters_begin_with_nothing_and_merge_into_what_they_computed(string shape)
    {
        var options = new LoraOptions { Rank = 3, Targets = ["q", "v", "projection"], Seed = 4 };
        using var model = Make(shape, out var plain, options);
        using (plain) Assert.Equal(Logits(plain), Logits(model));
        Spread(model, 8);
        float[] apart = Logits(model);
        Assert.Equal(4 + (shape == "gpt" ? 2 : 0), Lora.Merge(model)); // a GPT has a projection in its mlp too
        Assert.Empty(Lora.Of(model));
        Assert.Equal(Names_of(plain), Names_of(model));
        double most = shape == "llama in brain floats" ? 0.05 : 1e-5; // the sum is rounded to 8 bits there
        Assert.All(apart.Zip(Logits(model)), pair => Assert.Equal(pair.First, pair.Second, most));

        static string[] Names_of(LanguageModel model) => [.. model.Parameters().Select(parameter => parameter.Name)];
    }

    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void Only_adapters_train_and_have_gradients_and_state(UpdateMode mode)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = Shapes["llama"].Create(device, seed: 3);
        Lora.Apply(model, new LoraOptions { Rank = 2, Dropout = 0.1f });
        var adapters = Lora.Of(model).SelectMany(layer => layer.Adapters).SelectMany(adapter => new[] { adapter.A, adapter.B }).ToHashSet();
        Assert.Equal(2 * 2 * 2, adapters.Count);
        var before = model.Parameters().ToDictionary(p => p, p => p.Value.ToArray());
        using var updater = new Updater(model.Parameters(), Route.Default(new AdamW(), mode), new UpdaterOptions { Schedule = 1e-2 });
        var fired = new List<string>();
        device.Arena.ResetPeaks();
        for (int step = 0; step < 3; step++) updater.Step(() => Loss(model));
        long most = mode == UpdateMode.Eager ? adapters.Max(p => p.Value.Bytes) : adapters.Sum(p => p.Value.Bytes);
        Assert.InRange(device.Arena.Report.Peak(Use.Gradient), 1, 2 * most + 1024);
        Assert.True(device.Arena.Report.Peak(Use.Gradient) < model["blocks.0.mlp.gate.weight"].Value.Bytes * 2);
        Assert.Equal(adapters.Sum(p => 2 * p.Value.Bytes), updater.States.Sum(state => state.Bytes));
        foreach (var (parameter, values) in before)
            Assert.Equal(adapters.Contains(parameter), !values.AsSpan().SequenceEqual(parameter.Value.ToArray()));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Adapters_alone_are_saved_and_loaded(string shape)
    {
        using var folder = new TemporaryFolder();
        using var model = Make(shape, out var plain, new LoraOptions { Rank = 3, Alpha = 5, Targets = ["q", "v", "*.0.*.projection"] });
        Spread(model, 8);
        LoraFile.Save(model, folder.File("a"), "base");
        Assert.True(LoraFile.IsIn(folder.File("a")));
        using (var file = SafeTensorsReader.Open(folder.File("a/adapter_model.safetensors")))
            Assert.All(file.Entries.Keys, name =>
                Assert.Matches(@"^base_model\.model\.(model\.layers|transformer\.h)\.\d\..*\.lora_[AB]\.weight$", name));
        using (plain)
        {
            LoraFile.Load(plain, folder.File("a"));
            Assert.All(Logits(model).Zip(Logits(plain)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
            if (shape != "gpt") Assert.Equal(Logits(model), Logits(plain)); // there q and v become one adapter of twice the rank
        }
    }

    /// <summary>Hugging Face's files have the rows of queries in halves: the adapter of one form fits the other.</summary>
    [Fact]
    public void An_adapter_fits_the_same_model_in_another_order()
    {
        using var folder = new TemporaryFolder();
        using var pairs = Make("llama", out var plain, new LoraOptions { Rank = 3, Targets = ["q", "k"] });
        using (plain) ExportTests.Save(plain, folder, "safetensors", "m");
        Spread(pairs, 8);
        LoraFile.Save(pairs, folder.File("a"));
        using var opened = PretrainedModel.Open(folder.File("m"));
        using var halves = opened.Create(Cpu);
        Assert.True(((LlamaConfig)halves.Config).RotaryHalves);
        LoraFile.Load(halves, folder.File("a"));
        Assert.All(Logits(pairs).Zip(Logits(halves)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Targets_and_options_that_are_impossible_are_named()
    {
        using var model = Shapes["gpt"].Create(Cpu);
        Fails("no linear layer fits 'gate'; there are q, k, v, projection, fc", new LoraOptions { Targets = ["q", "gate"] });
        Fails("no linear layer fits 'head'", new LoraOptions { Targets = ["head"] }); // tied: it is the token table
        Fails("Rank is 0", new LoraOptions { Rank = 0 });
        Fails("Alpha is NaN", new LoraOptions { Alpha = double.NaN });
        Fails("Dropout is 1", new LoraOptions { Dropout = 1 });
        Fails("no Targets", new LoraOptions { Targets = [] });
        Assert.True(model.Parameters().All(parameter => parameter.Trainable));
        Assert.Throws<InvalidOperationException>(() => LoraFile.Save(model, "nowhere"));

        void Fails(string problem, LoraOptions options) =>
            Assert.Contains(problem, Assert.Throws<ArgumentException>(() => Lora.Apply(model, options)).Message);
    }

    [Theory]
    [InlineData("\"LORA\"", "\"IA3\"", "peft_type", "'IA3' is not supported")]
    [InlineData("\"r\": 3", "\"r\": 0", "r", "above 0")]
    [InlineData("\"r\": 3", "\"use_dora\": true, \"r\": 3", "use_dora", "not supported")]
    [InlineData("\"none\"", "\"all\"", "bias", "'all' is not supported")]
    [InlineData("\"lora_alpha\": 16", "\"lora_alpha\": \"many\"", "lora_alpha", "a number is needed")]
    [InlineData("\"r\": 3", "\"modules_to_save\": [\"lm_head\"], \"r\": 3", "modules_to_save", "not supported")]
    [InlineData("{", "", "JSON", "no JSON")]
    public void Adapter_files_that_do_not_fit_are_named(string old, string changed, string field, string problem)
    {
        using var folder = new TemporaryFolder();
        using var model = Make("llama", out var plain, new LoraOptions { Rank = 3 });
        LoraFile.Save(model, folder.File("a"));
        string config = folder.File("a/adapter_config.json"), text = File.ReadAllText(config);
        Assert.Contains(old, text);
        File.WriteAllText(config, text.Replace(old, changed));
        using (plain)
        {
            var error = Assert.Throws<BadFileException>(() => LoraFile.Load(plain, folder.File("a")));
            Assert.Equal(field, error.Field);
            Assert.Contains(problem, error.Message);
            Assert.Empty(Lora.Of(plain));
        }
    }

    [Fact]
    public void Adapters_of_another_model_are_named()
    {
        using var folder = new TemporaryFolder();
        using var model = Make("llama", out var plain, new LoraOptions { Rank = 3 });
        plain.Dispose();
        LoraFile.Save(model, folder.File("a"));
        Fails("(rank, 64) is needed", Llama with { Width = 64 });
        Fails("the model has no such layer", Llama with { Layers = 1 });
        Fails("the model has no such layer", Shapes["gpt"]);
        using (var file = SafeTensorsReader.Open(folder.File("a/adapter_model.safetensors")))
        {
            var writer = new SafeTensorsWriter();
            foreach (string name in file.Entries.Keys.Where(name => !name.Contains("layers.1.self_attn.v_proj.lora_B")))
                writer.Add<float>(name, file.Read<float>(name), (file.Entry(name).Sizes[0], file.Entry(name).Sizes[1]));
            writer.Save(folder.File("a/adapter_model.safetensors"));
        }

        Fails("no such tensor", Llama);

        void Fails(string problem, ModelConfig shape)
        {
            using var other = shape.Create(Cpu);
            Assert.Contains(problem, Assert.Throws<BadFileException>(() => LoraFile.Load(other, folder.File("a"))).Message);
        }
    }

    private static LanguageModel Make(string shape, out LanguageModel plain, LoraOptions options)
    {
        (plain, var model) = (Shapes[shape].Create(Cpu, seed: 3), Shapes[shape].Create(Cpu, seed: 3));
        Lora.Apply(model, options);
        plain.Eval();
        model.Eval();
        return model;
    }

    /// <summary>Gives every B numbers, as training does.</summary>
    private static void Spread(LanguageModel model, ulong seed)
    {
        foreach (var (_, _, _, b, _) in Lora.Of(model).SelectMany(layer => layer.Adapters))
        {
            using var values = Tensor.Normal(b.Shape, 0, 0.1, new RandomKey(seed++, 1), Cpu);
            b.Value.CopyFrom<float>(values.ToArray());
        }
    }

    private static Tensor Loss(LanguageModel model) => model.Loss(
        Tensor.From<int>([5, 9, 2, 4, 7, 7, 1, 3], (2, 4), model.Device), Tensor.From<int>([9, 2, 4, 8, 7, 1, 3, 3], (2, 4), model.Device));

    private static float[] Logits(LanguageModel model)
    {
        using var scope = Cpu.Scope("test");
        return model.Logits(Tensor.From<int>([5, 9, 2, 4, 7, 7], (2, 3), Cpu)).ToArray();
    }
}
