using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>Models that others wrote, with logits of an independent forward in double precision beside them.</summary>
public class PretrainedModelTests
{
    /// <summary>The most that a forward in single precision is off, for logits of about 10.</summary>
    private const double Error = 1e-4;

    private const string Story = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";

    [Theory]
    [InlineData("data/stories260K-f32.gguf", "data/stories260K-f32.expected.json")]
    [InlineData("data/stories260K-q8_0.gguf", "data/stories260K-q8_0.expected.json")]
    [InlineData("data/stories260K.bin", "data/stories260K-f32.expected.json")]
    [InlineData("data/hf-llama/model.safetensors", "data/hf-llama/expected.json")]
    [InlineData("data/hf-gpt2-tiny/config.json", "data/hf-gpt2-tiny/expected.json")]
    public void Logits_are_those_of_an_independent_forward(string file, string expected)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var pretrained = PretrainedModel.Open(SharedFile.Get(file));
        using var model = pretrained.Create(device);
        using var golden = JsonDocument.Parse(File.ReadAllText(SharedFile.Get(expected)));
        foreach (var prompt in golden.RootElement.GetProperty("prompts").EnumerateArray())
        {
            using var scope = device.Scope("test");
            int[] ids = Numbers(prompt.GetProperty("ids"));
            float[] logits = model.Logits(Tensor.From<int>(ids, (1, ids.Length), device)).ToArray(); // (T V)
            int size = pretrained.Config.VocabularySize;
            for (int t = 0; t < ids.Length; t++)
                Assert.Equal(Numbers(prompt.GetProperty("argmax"))[t], ArgMax(logits.AsSpan(t * size, size)));
            foreach (var row in prompt.GetProperty("logits").EnumerateArray())
                foreach (var (id, value) in Numbers(row.GetProperty("vocab_ids"))
                    .Zip(row.GetProperty("values").EnumerateArray().Select(v => v.GetDouble())))
                    Assert.Equal(value, logits[row.GetProperty("position").GetInt32() * size + id], Error);
        }
    }

    [Theory]
    [InlineData("data/stories260K.bin")]
    [InlineData("data/stories260K-f32.gguf")]
    [InlineData("data/hf-llama/model.safetensors")]
    public void Each_form_of_the_same_model_tells_the_same_story(string file)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var pretrained = PretrainedModel.Open(SharedFile.Get(file));
        using var model = pretrained.Create(device);
        Assert.True(pretrained.Config.TiedHead);
        var tokenizer = pretrained.Tokenizer!;
        int begin = tokenizer.BeginOfText!.Value;
        int[] ids = [.. model.Generate([begin], 60, new Sampling { Temperature = 0 })];
        Assert.StartsWith(Story, tokenizer.Decode(ids));
        Assert.Equal([403, 407, 261, 378], tokenizer.Encode("Once upon a time"));
    }

    [Fact]
    public void Weights_of_both_formats_are_the_same_to_the_bit()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var first = PretrainedModel.Open(SharedFile.Get("data/stories260K.bin"));
        using var second = PretrainedModel.Open(SharedFile.Get("data/stories260K-f32.gguf"));
        using var one = first.Create(device);
        using var other = second.Create(device);
        Assert.Equal(first.Config, second.Config);
        foreach (var (a, b) in one.Parameters().Zip(other.Parameters())) Assert.Equal(a.Value.ToArray(), b.Value.ToArray());
    }

    /// <summary>Small weights with a name, a place and a value each, so that none can be taken for another.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_conv1d_is_turned(bool isSharded)
    {
        using var folder = new TemporaryFolder();
        var config = new GptConfig { VocabularySize = 11, Context = 5, Layers = 1, Heads = 2, Width = 4, TiedHead = true };
        WriteGpt2(folder, config, isSharded);
        using var device = Device.CreateCpu(threads: 1);
        using var pretrained = PretrainedModel.Open(folder.Path);
        using var model = pretrained.Create(device);
        Assert.Equal(config.Explicit(), pretrained.Config);
        float[] weight = model["blocks.0.attention.qkv.weight"].Value.ToArray(); // (out 12, in 4)
        for (int output = 0; output < 12; output++)
            for (int input = 0; input < 4; input++)
                Assert.Equal(Stored("h.0.attn.c_attn.weight", input * 12 + output), weight[output * 4 + input]);
        Assert.Equal(Stored("wpe.weight", 7), model["positions.table"].Value.ToArray()[7]);
    }

    [Theory]
    [InlineData("\"model_type\": \"gpt2\"", "\"model_type\": \"bert\"", "model_type", "'bert' is not supported; known are gpt2, llama")]
    [InlineData("\"n_layer\": 1", "\"n_layer\": 2", "h.1.ln_1.weight", "the tensor is missing")]
    [InlineData("\"n_positions\": 5", "\"n_positions\": 6", "wpe.weight", "the file has shape (5, 4)")]
    [InlineData("\"n_head\": 2", "\"n_head\": 3", "configuration", "not divisible")]
    [InlineData("\"n_head\": 2", "\"n_head\": -2", "n_head", "whole number")]
    [InlineData("\"n_head\": 2", "\"n_head\": 2, \"layer_norm_epsilon\": 1e-6", "layer_norm_epsilon", "only 1E-05 is")]
    [InlineData("\"n_head\": 2", "\"n_head\": 2, \"activation_function\": \"relu\"", "activation_function", "'relu'")]
    [InlineData("{", "[", "JSON", "no JSON")]
    public void What_does_not_fit_is_named(string old, string changed, string field, string problem)
    {
        using var folder = new TemporaryFolder();
        WriteGpt2(folder, new GptConfig { VocabularySize = 11, Context = 5, Layers = 1, Heads = 2, Width = 4 }, isSharded: false);
        folder.Write("config.json", File.ReadAllText(folder.File("config.json")).Replace(old, changed));
        var error = Assert.Throws<BadFileException>(() =>
        {
            using var pretrained = PretrainedModel.Open(folder.Path);
            pretrained.Create().Dispose();
        });
        Assert.Equal(field, error.Field);
        Assert.Contains(problem, error.Message);
    }

    [Fact]
    public void What_is_no_model_is_named()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("There is no model", Assert.Throws<InputException>(() => PretrainedModel.Open(folder.File("none"))).Message);
        Assert.Equal("format", Assert.Throws<BadFileException>(() => PretrainedModel.Open(folder.Write("a.txt", "hello"))).Field);
        Assert.Equal("format", Assert.Throws<BadFileException>(() => PretrainedModel.Open(folder.Path)).Field);
    }

    /// <summary>Changed bytes and cuts of every format give a model or one error that names the file.</summary>
    [Theory]
    [InlineData("data/stories260K-q8_0.gguf", 6000)]
    [InlineData("data/stories260K.bin", 40)]
    [InlineData("data/hf-llama/config.json", 700)]
    [InlineData("data/hf-gpt2-tiny/model.safetensors.index.json", 2000)]
    public void Damaged_files_are_errors_or_models(string file, int header)
    {
        string path = SharedFile.Get(file);
        byte[] good = File.ReadAllBytes(path);
        using var folder = new TemporaryFolder();
        foreach (string other in Directory.GetFiles(Path.GetDirectoryName(path)!).Where(other => new FileInfo(other).Length < 1 << 21))
            File.Copy(other, folder.File(Path.GetFileName(other)));
        string damaged = folder.File(Path.GetFileName(path));
        File.SetAttributes(damaged, FileAttributes.Normal);
        var random = new Random(11);
        for (int round = 0; round < 60; round++) Try(damaged, Damaged(good, Math.Min(header, good.Length), random), round);
    }

    private static void Try(string path, byte[] bytes, int round)
    {
        File.WriteAllBytes(path, bytes);
        try
        {
            using var pretrained = PretrainedModel.Open(path);
            if (pretrained.Config.CountParameters() < 1 << 22) pretrained.Create().Dispose();
        }
        catch (Exception e) when (e is not InputException)
        {
            throw new InvalidOperationException($"round {round}: {e.Message}", e);
        }
        catch (InputException e)
        {
            Assert.DoesNotContain('\n', e.Message);
        }
    }

    private static byte[] Damaged(byte[] good, int header, Random random)
    {
        byte[] bytes = [.. good];
        for (int i = random.Next(1, 4); i > 0; i--)
            if (random.Next(4) == 0) bytes = bytes[..random.Next(Math.Min(header, bytes.Length) + 1)];
            else if (bytes.Length > 0) bytes[random.Next(Math.Min(header, bytes.Length))] = (byte)random.Next(256);
        return bytes;
    }

    /// <summary>A number for each element of each tensor.</summary>
    private static float Stored(string name, int index) => name.Sum(c => c) * 1e-3f + index;

    private static void WriteGpt2(TemporaryFolder folder, GptConfig config, bool isSharded)
    {
        int c = config.Width;
        (string Name, int[] Sizes)[] tensors =
        [
            ("wte.weight", [config.VocabularySize, c]), ("wpe.weight", [config.Context, c]), ("ln_f.weight", [c]), ("ln_f.bias", [c]),
            ("h.0.ln_1.weight", [c]), ("h.0.ln_1.bias", [c]), ("h.0.ln_2.weight", [c]), ("h.0.ln_2.bias", [c]),
            ("h.0.attn.c_attn.weight", [c, 3 * c]), ("h.0.attn.c_attn.bias", [3 * c]), ("h.0.attn.c_proj.weight", [c, c]),
            ("h.0.attn.c_proj.bias", [c]), ("h.0.mlp.c_fc.weight", [c, 4 * c]), ("h.0.mlp.c_fc.bias", [4 * c]),
            ("h.0.mlp.c_proj.weight", [4 * c, c]), ("h.0.mlp.c_proj.bias", [c]),
        ];
        string[] names = isSharded ? ["a.safetensors", "b.safetensors"] : ["model.safetensors"];
        for (int i = 0; i < names.Length; i++)
        {
            var writer = new SafeTensorsWriter();
            foreach (var (name, sizes) in tensors.Where((_, index) => index % names.Length == i))
                writer.Add<float>(name, Values(name, sizes), sizes is [var only] ? only : (sizes[0], sizes[1]));
            writer.Save(folder.File(names[i]));
        }

        if (isSharded) folder.Write("model.safetensors.index.json", JsonSerializer.Serialize(new
        {
            weight_map = tensors.Index().ToDictionary(item => item.Item.Name, item => names[item.Index % 2]),
        }));
        folder.Write("config.json", $$"""
            {"model_type": "gpt2", "vocab_size": {{config.VocabularySize}}, "n_positions": {{config.Context}}, "n_layer": {{config.Layers}},
            "n_head": {{config.Heads}}, "n_embd": {{c}}}
            """);
    }

    private static float[] Values(string name, int[] sizes) =>
        [.. Enumerable.Range(0, sizes.Aggregate(1, (count, size) => count * size)).Select(index => Stored(name, index))];

    private static int[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];

    private static int ArgMax(ReadOnlySpan<float> values) => values.IndexOf(values.ToArray().Max());
}
