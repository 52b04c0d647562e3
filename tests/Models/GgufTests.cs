namespace Mayfly.Tests;

/// <summary>GGUF files that the tests make: the architecture gpt2, types, and what is wrong with a header.</summary>
public class GgufTests
{
    private const int Width = 4, Vocabulary = 9, Context = 5;

    /// <summary>The names of a GPT-2 of one block in the file and in the model, with their sizes.</summary>
    private static readonly (string Theirs, string Ours, long[] Sizes)[] Tensors =
    [
        ("token_embd.weight", "tokens.table", [Vocabulary, Width]), ("position_embd.weight", "positions.table", [Context, Width]),
        ("blk.0.attn_norm.weight", "blocks.0.norm1.gain", [Width]), ("blk.0.attn_norm.bias", "blocks.0.norm1.bias", [Width]),
        ("blk.0.attn_qkv.weight", "blocks.0.attention.qkv.weight", [3 * Width, Width]),
        ("blk.0.attn_qkv.bias", "blocks.0.attention.qkv.bias", [3 * Width]),
        ("blk.0.attn_output.weight", "blocks.0.attention.projection.weight", [Width, Width]),
        ("blk.0.attn_output.bias", "blocks.0.attention.projection.bias", [Width]),
        ("blk.0.ffn_norm.weight", "blocks.0.norm2.gain", [Width]), ("blk.0.ffn_norm.bias", "blocks.0.norm2.bias", [Width]),
        ("blk.0.ffn_up.weight", "blocks.0.mlp.fc.weight", [4 * Width, Width]), ("blk.0.ffn_up.bias", "blocks.0.mlp.fc.bias", [4 * Width]),
        ("blk.0.ffn_down.weight", "blocks.0.mlp.projection.weight", [Width, 4 * Width]),
        ("blk.0.ffn_down.bias", "blocks.0.mlp.projection.bias", [Width]),
        ("output_norm.weight", "norm.gain", [Width]), ("output_norm.bias", "norm.bias", [Width]),
        ("output.weight", "head.weight", [Vocabulary, Width]),
    ];

    [Fact]
    public void A_gpt2_has_its_weights_shape_and_tokenizer()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(threads: 1);
        using var pretrained = PretrainedModel.Open(Write(folder, Gpt2()));
        using var model = pretrained.Create(device);
        Assert.False(pretrained.Config.TiedHead);
        foreach (var (theirs, ours, sizes) in Tensors) Assert.Equal(Stored(theirs, sizes), model[ours].Value.ToArray());
        var tokenizer = pretrained.Tokenizer!;
        Assert.Equal([4, 5, 3, 7, 2], tokenizer.Encode("hello hel"));
        Assert.Equal((8, 8), (tokenizer.EndOfText, tokenizer.SpecialTokens["<|endoftext|>"]));
    }

    [Fact]
    public void A_head_that_is_the_token_table_again_is_tied()
    {
        using var folder = new TemporaryFolder();
        var file = Fields(new GgufBytes());
        foreach (var (theirs, _, sizes) in Tensors)
            file.Add(theirs, Stored(theirs == "output.weight" ? "token_embd.weight" : theirs, sizes), sizes);
        using var pretrained = PretrainedModel.Open(Write(folder, file));
        Assert.True(pretrained.Config.TiedHead);
    }

    [Fact]
    public void Types_are_widened()
    {
        var random = new Random(3);
        float[] values = [.. Enumerable.Range(0, 64).Select(_ => (float)random.NextDouble() * 4 - 2)];
        byte[] half = [.. values.SelectMany(v => BitConverter.GetBytes((Half)v))];
        byte[] brain = [.. values.SelectMany(v => BitConverter.GetBytes(v)[2..])];
        byte[] quantized = [.. values.Chunk(32).SelectMany(block =>
            BitConverter.GetBytes((Half)(1 / 64f)).Concat(block.Select(v => (byte)(sbyte)Math.Round(v * 63))))];
        using var folder = new TemporaryFolder();
        string path = Write(folder, new GgufBytes().Add("half", 1, half, 64).Add("brain", 30, brain, 64)
            .Add("quantized", 8, quantized, 2, 32).Add("other", 2, new byte[36], 64));
        using var file = GgufReader.Open(path);
        Assert.Equal(values.Select(v => (float)(Half)v), Read(file, "half", 0, 64));
        Assert.Equal(values.Select(v => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(v) & ~0xFFFF)),
            Read(file, "brain", 0, 64));
        Assert.Equal(values.Select(v => (float)Math.Round(v * 63) / 64), Read(file, "quantized", 0, 64));
        Assert.Equal(Read(file, "quantized", 0, 64)[29..41], Read(file, "quantized", 29, 12));
        var error = Assert.Throws<BadFileException>(() => Read(file, "other", 0, 64));
        Assert.Equal(("other", true), (error.Field, error.Message.Contains("Q4_0; F32, F16, Q8_0, BF16 are read")));
    }

    [Fact]
    public void What_is_wrong_with_a_header_is_named()
    {
        byte[] good = Gpt2().ToArray();
        Fails("header", "version 9", new GgufBytes { Version = 9 }.ToArray());
        Fails("header", "cut short", good[..10]);
        Fails("header", "more than its", [.. good[..8], 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, .. good[16..]]);
        Fails("field 0", "a text of", [.. good[..24], 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, .. good[32..]]);
        Fails("output.weight", "end beyond the file", good[..^40]);
        Fails("a", "no multiple of 32", new GgufBytes { Shift = 8 }.Add("a", [1, 2], 2).Add("b", new float[20], 20).ToArray());
        Fails("b", "the name appears twice", new GgufBytes().Add("b", [1], 1).Add("b", [1], 1).ToArray());
        Fails("x", "appears twice", new GgufBytes().Add("x", 1).Add("x", 2).ToArray());
        Fails("a", "a size is 0", new GgufBytes().Add("a", [], 0).ToArray());
        Fails("a", "too many elements", new GgufBytes().Add("a", [1], 1 << 30, 1 << 30, 1 << 30).ToArray());
        Fails("a", "5 axes", new GgufBytes().Add("a", [1], 1, 1, 1, 1, 1).ToArray());
        Fails("a", "no multiple of the 32", new GgufBytes().Add("a", 8, new byte[34], 16).ToArray());
        Fails("general.alignment", "3 is no power", new GgufBytes().Add("general.alignment", 3).ToArray());
    }

    [Theory]
    [InlineData("general.architecture", "bert", "'bert' is not supported; known are gpt2, llama")]
    [InlineData("gpt2.block_count", "many", "missing or of another type")]
    [InlineData("tokenizer.ggml.model", "bert", "'bert' is not supported")]
    [InlineData("tokenizer.ggml.pre", "other", "'other' is not supported; known are gpt-2")]
    [InlineData("gpt2.attention.layer_norm_epsilon", 1e-6f, "only 1e-5 is")]
    [InlineData("tokenizer.ggml.eos_token_id", 99, "there is no token 99")]
    public void Fields_that_do_not_fit_are_named(string field, object value, string problem)
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<BadFileException>(() => PretrainedModel.Open(Write(folder, Gpt2(field, value))));
        Assert.Equal(field, error.Field);
        Assert.Contains(problem, error.Message);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void Damaged_files_are_errors_or_models(int seed) => Fuzz(seed, 300);

    /// <summary>Opens a file with changes, many times.</summary>
    internal static void Fuzz(int seed, int rounds)
    {
        using var folder = new TemporaryFolder();
        byte[] good = Gpt2().ToArray();
        var random = new Random(seed);
        for (int round = 0; round < rounds; round++)
        {
            string path = folder.File("m.gguf");
            File.WriteAllBytes(path, TokenizerFuzz.Damaged(good, random));
            try
            {
                using var pretrained = PretrainedModel.Open(path);
                if (pretrained.Config.CountParameters() < 1 << 20) pretrained.Create().Dispose();
            }
            catch (InputException e)
            {
                Assert.Contains("m.gguf", e.Message);
            }
        }
    }

    private static GgufBytes Gpt2(string? field = null, object? value = null)
    {
        var file = Fields(new GgufBytes(), field, value);
        foreach (var (theirs, _, sizes) in Tensors) file.Add(theirs, Stored(theirs, sizes), sizes);
        return file;
    }

    private static GgufBytes Fields(GgufBytes file, string? changed = null, object? value = null)
    {
        var fields = new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = "gpt-2",
            ["tokenizer.ggml.tokens"] = new[] { "h", "e", "l", "o", "he", "ll", "Ġ", "Ġhe", "<|endoftext|>" },
            ["tokenizer.ggml.token_type"] = new[] { 1, 1, 1, 1, 1, 1, 1, 1, 3 },
            ["tokenizer.ggml.merges"] = new[] { "h e", "l l", "Ġ he" },
            ["tokenizer.ggml.eos_token_id"] = 8,
            ["general.architecture"] = "gpt2",
            ["gpt2.context_length"] = Context,
            ["gpt2.embedding_length"] = Width,
            ["gpt2.block_count"] = 1,
            ["gpt2.feed_forward_length"] = 4 * Width,
            ["gpt2.attention.head_count"] = 2,
            ["gpt2.attention.layer_norm_epsilon"] = 1e-5f,
        };
        if (changed is not null) fields[changed] = value!;
        foreach (var (name, content) in fields) file.Add(name, content);
        return file;
    }

    private static float[] Stored(string name, long[] sizes) =>
        [.. Enumerable.Range(0, (int)sizes.Aggregate(1L, (count, size) => count * size)).Select(i => name.Sum(c => c) * 1e-3f + i)];

    private static float[] Read(GgufReader file, string name, long start, int count)
    {
        var values = new float[count];
        file.Read(file.Entries[name], start, values);
        return values;
    }

    private static void Fails(string field, string problem, byte[] bytes)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("m.gguf");
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<BadFileException>(() => GgufReader.Open(path));
        Assert.Equal((path, field), (error.File, error.Field));
        Assert.Contains(problem, error.Message);
    }

    private static string Write(TemporaryFolder folder, GgufBytes file)
    {
        File.WriteAllBytes(folder.File("m.gguf"), file.ToArray());
        return folder.File("m.gguf");
    }
}
