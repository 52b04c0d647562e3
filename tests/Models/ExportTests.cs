using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>Models written for other programs and read again. That those read them is shown in tests/LlamaCpp.</summary>
public class ExportTests
{
    private const string Text = "the cat sat on the mat; the café's dog didn't, 12 times. ";
    private static readonly Device Cpu = Device.CreateCpu(threads: 1);

    private static readonly Dictionary<string, ModelConfig> Shapes = new()
    {
        ["llama tied"] = Llama with { TiedHead = true },
        ["llama"] = Llama,
        ["llama of halves"] = Llama with { RotaryHalves = true, Theta = 500000, Epsilon = 1e-6f },
        ["gpt tied"] = Gpt with { TiedHead = true, GeluErf = false },
        ["gpt"] = Gpt,
        ["gpt without biases"] = Gpt with { Bias = false, TiedHead = true },
    };

    private static LlamaConfig Llama => new()
    {
        VocabularySize = 60, Context = 16, Layers = 2, Heads = 4, KvHeads = 2, Width = 32, Hidden = 44,
    };

    private static GptConfig Gpt => new() { VocabularySize = 60, Context = 16, Layers = 2, Heads = 4, Width = 32 };

    /// <summary>Every shape in every format that holds it.</summary>
    public static TheoryData<string, string> Forms()
    {
        var forms = new TheoryData<string, string>();
        foreach (string shape in Shapes.Keys)
            foreach (string format in ModelExport.Formats)
                if (format != "llama2c" || shape is "llama" or "llama tied") forms.Add(shape, format);
        return forms;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void What_is_read_again_is_the_model_to_the_bit(string shape, string format)
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes[shape]);
        string path = Save(model, folder, format, "first");
        using var pretrained = PretrainedModel.Open(path);
        using var read = pretrained.Create(Cpu);
        Assert.Equal(model.Config.TiedHead, read.Config.TiedHead);
        bool turns = read.Config is LlamaConfig { RotaryHalves: var halves } && halves != ((LlamaConfig)model.Config).RotaryHalves;
        if (turns) AssertClose(Logits(model), Logits(read), 1e-5f); // the same sums in another order
        else Assert.Equal(Logits(model), Logits(read));
        foreach (var parameter in model.Parameters().Where(p => !turns || !p.Name.EndsWith("qkv.weight", StringComparison.Ordinal)))
            Assert.Equal(parameter.Value.ToArray(), read[parameter.Name].Value.ToArray());
        Assert.Equal(Bytes(path), Bytes(Save(read, folder, format, "second")));
    }

    [Theory]
    [InlineData(WeightType.F16, 1 / 2048f)]
    [InlineData(WeightType.BF16, 1 / 256f)]
    public void Fewer_bits_are_the_nearest_number(WeightType type, float share)
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes["gpt"]);
        foreach (string format in (string[])["safetensors", "gguf"])
        {
            using var pretrained = PretrainedModel.Open(Save(model, folder, format, format, new ExportOptions { Type = type }));
            using var read = pretrained.Create(Cpu);
            foreach (var parameter in model.Parameters())
                foreach (var (value, stored) in parameter.Value.ToArray().Zip(read[parameter.Name].Value.ToArray()))
                    Assert.True(Math.Abs(value - stored) <= share * Math.Abs(value) + 3e-8f, $"{parameter.Name}: {value} as {stored}");
        }
    }

    /// <summary>Half a step of the scale, and what rounding the scale to 11 bits moves the largest of 127 steps.</summary>
    [Fact]
    public void Groups_of_8_bits_are_within_their_bound()
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Llama with { Hidden = 64 });
        using var pretrained = PretrainedModel.Open(Save(model, folder, "gguf", "m", new ExportOptions { Type = WeightType.Q8 }));
        using var read = pretrained.Create(Cpu);
        int off = 0;
        foreach (var parameter in model.Parameters().Where(p => p.Shape.Rank == 2))
            foreach (var (block, stored) in parameter.Value.ToArray().Chunk(32).Zip(read[parameter.Name].Value.ToArray().Chunk(32)))
            {
                float step = block.Max(Math.Abs) / 127, bound = step / 2 + 127 * step / 2048 + 1e-7f;
                for (int i = 0; i < block.Length; i++) Assert.InRange(stored[i], block[i] - bound, block[i] + bound);
                off += block.Zip(stored).Count(pair => pair.First != pair.Second);
            }

        Assert.True(off > 1000); // else nothing was rounded
        Assert.Equal(model["norm.gain"].Value.ToArray(), read["norm.gain"].Value.ToArray());
    }

    [Fact]
    public void Several_files_hold_what_one_does()
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes["llama"]);
        string one = Save(model, folder, "safetensors", "one"), many = Save(model, folder, "safetensors", "many",
            new ExportOptions { ShardBytes = 20_000 });
        string[] shards = [.. Directory.GetFiles(many, "model-*.safetensors").Order()];
        Assert.True(shards.Length > 3);
        Assert.EndsWith($"model-00001-of-{shards.Length:D5}.safetensors", shards[0]);
        using var index = JsonDocument.Parse(File.ReadAllText(Path.Combine(many, "model.safetensors.index.json")));
        Assert.Equal(model.ParameterCount * 4, index.RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
        using PretrainedModel first = PretrainedModel.Open(one), second = PretrainedModel.Open(many);
        using LanguageModel a = first.Create(Cpu), b = second.Create(Cpu);
        foreach (var (x, y) in a.Parameters().Zip(b.Parameters())) Assert.Equal(x.Value.ToArray(), y.Value.ToArray());
    }

    public static TheoryData<string, string, WeightType, string> Impossible => new()
    {
        { "gpt", "llama2c", WeightType.F32, "llama2.c's format holds Llamas only" },
        { "llama of halves", "llama2c", WeightType.F32, "no place for Theta, which is 500000" },
        { "llama", "llama2c", WeightType.F16, "llama2.c's format has no F16; choose F32" },
        { "llama", "safetensors", WeightType.Q8, "safetensors has no Q8_0; choose F32 or F16 or BF16" },
    };

    [Theory]
    [MemberData(nameof(Impossible))]
    public void What_a_format_cannot_hold_is_named(string shape, string format, WeightType type, string problem)
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes[shape]);
        var error = Assert.Throws<NotSupportedException>(() => Save(model, folder, format, "m", new ExportOptions { Type = type }));
        Assert.Contains(problem, error.Message);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Shapes_and_tokenizers_that_others_do_not_know_are_named()
    {
        using var folder = new TemporaryFolder();
        Fails("2 key and value heads of a GPT with 4", Gpt with { KvHeads = 2 }, null, "gguf");
        Fails("the GELU in its tanh form", Gpt with { GeluErf = true }, null, "gguf");
        Fails("ParallelConfig", new Extending.ParallelConfig { VocabularySize = 60, Width = 32 }, null, "safetensors");
        Fails("the kind 'words'", Llama, new Extending.WordTokenizer(["one", "two"]), "gguf");
        Fails("without a token that ends a text", Llama, new CharTokenizer("abc"), "gguf");
        Fails("a space and '\u2581'", Llama, new CharTokenizer("a \u2581", hasUnknown: true), "gguf");
        Fails("with the 256 bytes from id 3 on", Llama, new CharTokenizer("abc"), "llama2c");
        Fails("256 tokens, more than the 60", Llama, new ByteTokenizer(), "gguf");
        using var adapted = Make(Llama);
        Lora.Apply(adapted, new LoraOptions());
        Assert.Contains("which are merged before", Assert.Throws<NotSupportedException>(() => Save(adapted, folder, "gguf", "m")).Message);
        Assert.Contains("known are safetensors", Assert.Throws<ArgumentException>(() => Save(adapted, folder, "onnx", "m")).Message);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));

        void Fails(string problem, ModelConfig shape, Tokenizer? tokenizer, string format)
        {
            using var model = shape.Create(Cpu);
            var error = Assert.Throws<NotSupportedException>(() => new ModelExport(model, tokenizer).Save(format, folder.File("m")));
            Assert.Contains(problem, error.Message);
        }
    }

    [Fact]
    public void Nothing_is_left_of_a_model_that_cannot_be_written()
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes["llama"]);
        float[] values = model["blocks.1.mlp.up.weight"].Value.ToArray();
        values[5] = float.NaN;
        model["blocks.1.mlp.up.weight"].Value.CopyFrom<float>(values);
        foreach (string format in ModelExport.Formats)
            Assert.Contains("has an infinity or NaN", Assert.Throws<NonFiniteException>(() => Save(model, folder, format, "m")).Message);
        values[5] = 1e6f;
        model["blocks.1.mlp.up.weight"].Value.CopyFrom<float>(values);
        foreach (string format in (string[])["safetensors", "gguf"])
            Assert.Contains("of 1000000, which F16 cannot hold", Assert.Throws<NonFiniteException>(() =>
                Save(model, folder, format, "m", new ExportOptions { Type = WeightType.F16 })).Message);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        folder.Write("full/other.txt", "mine");
        Assert.Contains("is there already", Assert.Throws<InputException>(() => Save(model, folder, "safetensors", "full")).Message);
        Assert.Equal(["other.txt"], Directory.GetFileSystemEntries(folder.File("full")).Select(Path.GetFileName));
    }

    public static TheoryData<string, Tokenizer> Tokenizers => new()
    {
        { "bytes", new ByteTokenizer() },
        { "characters", new CharTokenizer(Text, hasUnknown: true) },
        { "known characters", new CharTokenizer(Text) },
        { "subwords", Bpe() },
    };

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void A_tokenizer_in_the_folder_cuts_text_as_it_did(string kind, Tokenizer tokenizer)
    {
        using var folder = new TemporaryFolder();
        using var model = (Llama with { VocabularySize = 270 }).Create(Cpu);
        var options = new ExportOptions { ChatTemplate = "{{ messages }}" };
        new ModelExport(model, tokenizer, options).Save("safetensors", folder.File("m"));
        using var read = PretrainedModel.Open(folder.File("m"));
        Assert.Equal("{{ messages }}", read.ChatTemplate);
        string text = kind == "known characters" ? Text : Text + "\u00fc \u4e16\u754c";
        Assert.Equal(tokenizer.Encode(text), read.Tokenizer!.Encode(text));
        Assert.Equal(tokenizer.Decode(tokenizer.Encode(text)), read.Tokenizer.Decode(read.Tokenizer.Encode(text)));
    }

    [Fact]
    public void The_model_of_a_run_is_one_to_begin_with()
    {
        using var folder = new TemporaryFolder();
        using var model = Make(Shapes["llama of halves"]);
        Snapshot.Save(folder.Path, model.Parameters(), null, 3, new { Model = model.Config, Options = new { Other = 1 } },
            new CharTokenizer(Text));
        foreach (string path in (string[])[folder.Path, folder.File(Snapshot.FileName)])
        {
            using var pretrained = PretrainedModel.Open(path);
            using var read = pretrained.Create(Cpu);
            Assert.Equal(model.Config.Explicit(), pretrained.Config);
            Assert.Equal(Logits(model), Logits(read));
            Assert.Equal(new CharTokenizer(Text).Encode("the cat"), pretrained.Tokenizer!.Encode("the cat"));
        }
    }

    internal static string Save(LanguageModel model, TemporaryFolder folder, string format, string name, ExportOptions? options = null)
    {
        string path = Path.Combine(folder.Path, format switch { "gguf" => $"{name}.gguf", "llama2c" => $"{name}.bin", _ => name });
        new ModelExport(model, null, (options ?? new ExportOptions()) with { Name = "m" }).Save(format, path);
        return path;
    }

    private static SubwordTokenizer Bpe()
    {
        var trainer = new BpeTrainer(270, 1);
        trainer.Add(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(Text)));
        return trainer.Train();
    }

    private static byte[] Bytes(string path) => Directory.Exists(path)
        ? [.. Directory.GetFiles(path).Order().SelectMany(File.ReadAllBytes)]
        : File.ReadAllBytes(path);

    private static LanguageModel Make(ModelConfig shape)
    {
        var model = shape.Create(Cpu, seed: 3);
        GptTests.Spread(model);
        model.Eval();
        return model;
    }

    private static float[] Logits(LanguageModel model)
    {
        using var scope = Cpu.Scope("test");
        return model.Logits(Tensor.From<int>([5, 9, 2, 40, 7, 7], (2, 3), Cpu)).ToArray();
    }

    private static void AssertClose(float[] right, float[] actual, float most) =>
        Assert.All(right.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - most, pair.First + most));
}
