namespace Mayfly.Tests;

/// <summary>The GPT's structure, gradients, causality and memory.</summary>
public class GptTests
{
    private static readonly GptConfig Tiny = new() { VocabularySize = 7, Context = 5, Layers = 2, Heads = 2, Width = 8 };

    public static TheoryData<string, GptConfig, int> Variants => new()
    {
        { "plain", Tiny, 9 },
        { "tied head", Tiny with { TiedHead = true }, 11 },
        { "no biases, exact GELU", Tiny with { Bias = false, GeluErf = true }, 11 },
        { "grouped heads, narrow inside", Tiny with { KvHeads = 1, Hidden = 5 }, 11 },
        { "dropout", Tiny with { Dropout = 0.2f }, 11 },
        { "checkpointed blocks with dropout and a tied head", Tiny with { Dropout = 0.2f, CheckpointBlocks = true, TiedHead = true }, 11 },
    };

    private const string Countless = "make more weights than any machine can hold; make them smaller.";

    public static TheoryData<GptConfig, string> BadConfigs => new()
    {
        { Tiny with { VocabularySize = 0 }, "GptConfig: VocabularySize is 0; it must be at least 1." },
        { Tiny with { Context = 0 }, "GptConfig: Context is 0; it must be at least 1." },
        { Tiny with { Layers = -1 }, "GptConfig: Layers is -1; it must be at least 1." },
        { Tiny with { Heads = 0 }, "GptConfig: Heads is 0; it must be at least 1." },
        { Tiny with { Width = 0 }, "GptConfig: Width is 0; it must be at least 1." },
        { Tiny with { Width = int.MaxValue, Heads = 1 },
            "GptConfig: Width 2147483647, Hidden 0, Layers 2, VocabularySize 7 and Context 5 " + Countless },
        { Tiny with { Hidden = int.MaxValue, Layers = int.MaxValue },
            "GptConfig: Width 8, Hidden 2147483647, Layers 2147483647, VocabularySize 7 and Context 5 " + Countless },
        { Tiny with { Heads = 3 }, "GptConfig: Width 8 is not divisible by Heads 3; choose a width that is a multiple of the heads." },
        { Tiny with { KvHeads = 3 }, "GptConfig: Heads 2 is not divisible by KvHeads 3; choose a divisor of the heads." },
        { Tiny with { Hidden = -1 }, "GptConfig: Hidden is -1; it must be at least 0." },
        { Tiny with { Dropout = 1 }, "GptConfig: Dropout 1 is outside [0, 1); choose the part of the elements to drop, as 0.1." },
    };

    [Theory]
    [MemberData(nameof(Variants))]
    public void Gradients_agree_with_finite_differences(string name, GptConfig config, int stride)
    {
        Assert.NotEmpty(name);
        using var device = Device.CreateReference();
        using var gpt = new Gpt(config, device, seed: 3);
        Spread(gpt);
        ModelGradCheck.Run(gpt, () => gpt.Loss(Ids(device, 2, 5, 1), Ids(device, 2, 5, 2)), stride);
    }

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void A_bad_configuration_is_refused_in_one_line(GptConfig config, string message)
    {
        using var device = Device.CreateCpu(threads: 1);
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => new Gpt(config, device)).Message);
        Assert.Equal(0, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void Bad_ids_are_refused_in_one_line()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(Tiny, device);
        long atRest = device.Arena.Report.LiveBytes;
        using var vector = Tensor.From<int>([1, 2], 2, device);
        Assert.Contains("Gpt: ids of shape (2); they must be (batch, time)",
            Assert.Throws<ArgumentException>(() => gpt.Logits(vector)).Message);
        using var tooLong = Ids(device, 1, 6, 1);
        Assert.Contains("Gpt: 6 tokens exceed the context of 5", Assert.Throws<ArgumentException>(() => gpt.Logits(tooLong)).Message);
        using var outside = Tensor.From<int>([1, 7], (1, 2), device);
        Assert.Contains("id 7", Assert.Throws<ArgumentOutOfRangeException>(() => gpt.Logits(outside)).Message);
        Assert.Equal(atRest + vector.Bytes + tooLong.Bytes + outside.Bytes, device.Arena.Report.LiveBytes);
    }

    [Fact]
    public void Attention_checks_its_heads()
    {
        var source = new ParameterSource(Device.Reference);
        Assert.Contains("width 8 is not divisible by 3 heads", Assert.Throws<ArgumentException>(() => new Attention(source, 8, 3)).Message);
        Assert.Contains("4 heads are not divisible by 3 key and value heads",
            Assert.Throws<ArgumentException>(() => new Attention(source, 8, 4, 3)).Message);
    }

    [Fact]
    public void Names_and_roles_follow_the_structure()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(Tiny, device);
        Assert.Equal(2 + 2 * 12 + 3, gpt.Parameters().Count);
        Assert.Equal(Role.Embedding, gpt["tokens.table"].Role);
        Assert.Equal(new Shape(24, 8), gpt["blocks.1.attention.qkv.weight"].Shape);
        Assert.Equal(Role.Hidden, gpt["blocks.1.mlp.projection.weight"].Role);
        Assert.Equal(Role.Gain, gpt["norm.gain"].Role);
        Assert.Equal(Role.Bias, gpt["blocks.0.mlp.fc.bias"].Role);
        Assert.Equal(Role.Head, gpt["head.weight"].Role);
    }

    [Fact]
    public void A_tied_head_is_the_token_table()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(Tiny with { TiedHead = true, Bias = false }, device);
        Assert.Equal(2 + 2 * 6 + 1, gpt.Parameters().Count);
        Assert.DoesNotContain(gpt.Parameters(), p => p.Name.StartsWith("head") || p.Name.EndsWith("bias"));
        Assert.Equal("tokens.table", gpt.Parameters()[0].Name);
    }

    [Fact]
    public void Initial_values_follow_gpt2()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(new GptConfig { VocabularySize = 65, Layers = 2 }, device);
        Assert.InRange(Deviation(gpt["tokens.table"]), 0.0196, 0.0204);
        Assert.InRange(Deviation(gpt["head.weight"]), 0.0196, 0.0204);
        Assert.InRange(Deviation(gpt["blocks.0.attention.qkv.weight"]), 0.0196, 0.0204);
        Assert.InRange(Deviation(gpt["blocks.1.mlp.projection.weight"]), 0.0098, 0.0102);
        Assert.InRange(Deviation(gpt["blocks.1.attention.projection.weight"]), 0.0098, 0.0102);
        Assert.All(gpt["blocks.0.mlp.fc.bias"].Value.ToArray(), v => Assert.Equal(0f, v));
        Assert.All(gpt["blocks.0.norm2.gain"].Value.ToArray(), v => Assert.Equal(1f, v));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_later_token_never_changes_earlier_scores(bool reference)
    {
        using var device = reference ? Device.CreateReference() : Device.CreateCpu(threads: 2);
        using var gpt = new Gpt(Tiny with { Context = 19, Width = 16 }, device);
        Spread(gpt);
        using var scope = device.Scope("causality");
        const int T = 19, V = 7;
        var ids = Ids(device, 1, T, 1).ToArray<int>();
        var all = gpt.Logits(Tensor.From<int>(ids, (1, T), device)).ToArray<double>();
        for (int t = 1; t < T; t++)
        {
            var changed = (int[])ids.Clone();
            changed[t] = (changed[t] + 3) % V;
            var scores = gpt.Logits(Tensor.From<int>(changed, (1, T), device)).ToArray<double>();
            Assert.Equal(all[..(t * V)], scores[..(t * V)]);
            Assert.NotEqual(all[(t * V)..((t + 1) * V)], scores[(t * V)..((t + 1) * V)]);
            var prefix = gpt.Logits(Tensor.From<int>(ids[..t], (1, t), device)).ToArray<double>();
            for (int i = 0; i < prefix.Length; i++) Assert.Equal(all[i], prefix[i], reference ? 1e-13 : 2e-6);
        }
    }

    [Fact]
    public void Training_drops_in_the_embeddings_and_both_branches_of_each_block()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(Tiny with { Dropout = 0.1f }, device);
        Assert.Equal(1 + 2 * Tiny.Layers, Dropouts());
        gpt.Eval();
        Assert.Equal(0, Dropouts());

        int Dropouts()
        {
            using var tape = Tape.Record(device);
            gpt.Logits(Ids(device, 2, 5, 1));
            return tape.Nodes.Count(n => n.Name == "Dropout");
        }
    }

    [Fact]
    public void Evaluation_needs_no_tape_and_leaves_only_its_result()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = new Gpt(Tiny with { Dropout = 0.5f, CheckpointBlocks = true }, device);
        long atRest = device.Arena.Report.LiveBytes;
        using var ids = Ids(device, 2, 5, 1);
        gpt.Eval();
        using var first = gpt.Logits(ids);
        using var second = gpt.Logits(ids);
        Assert.Equal(first.ToArray(), second.ToArray());
        Assert.Equal(atRest + ids.Bytes + first.Bytes + second.Bytes, device.Arena.Report.LiveBytes);
    }

    /// <summary>Ids that differ with <paramref name="seed"/>, below 7.</summary>
    internal static Tensor Ids(Device device, int batch, int time, int seed)
    {
        var ids = new int[batch * time];
        for (int i = 0; i < ids.Length; i++) ids[i] = (int)((uint)(i * 7919 + seed * 104729) * 2654435761u >> 16) % 7;
        return Tensor.From<int>(ids, (batch, time), device);
    }

    /// <summary>Moves all weights well off their small initial values, so that every gradient is far from zero.</summary>
    internal static void Spread(Module model)
    {
        ulong number = 0;
        foreach (var parameter in model.Parameters())
        {
            var values = new float[parameter.Shape.Count];
            double middle = parameter.Role == Role.Gain ? 1 : 0;
            Rng.FillUniform(values, middle - 0.4, middle + 0.4, new RandomKey(17, number++));
            parameter.Value.CopyFrom<float>(values);
        }
    }

    private static double Deviation(Parameter p) => Math.Sqrt(p.Value.ToArray<double>().Average(v => v * v));
}
