using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>The clipping of attention logits: the reference's own cases, and what it does to a model.</summary>
public class QkClipTests
{
    public static TheoryData<string> Cases => [.. Golden().Select(c => c.GetProperty("note").GetString()!)];

    /// <summary>
    /// Logits before, weights and biases after, logits after. The file's case of shared rotary keys (MLA) has no layer here.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Weights_and_logits_are_the_references(string note)
    {
        using Device reference = Device.CreateReference(), cpu = Device.CreateCpu(threads: 1);
        foreach (var (device, absolute, relative) in new[] { (reference, 1e-11, 1e-9), (cpu, 2e-6, 1e-5) })
        {
            using var scope = device.Scope("golden");
            using var layer = new Layer(device, Golden().Single(c => c.GetProperty("note").GetString() == note));
            using var updater = new Updater(layer.Parameters, RuleTable.Everywhere(new Sgd(), UpdateMode.Eager));
            using var clip = new QkClip([layer.Logits]) { Threshold = layer.Number("tau"), Alpha = layer.Number("alpha") };
            Assert.Equal(1 / Math.Sqrt(layer.Size), layer.Number("scale"), 1e-15);
            layer.Step(updater);
            GoldenTests.Near(layer.Numbers("max_logits"), layer.Logits.Take(), absolute, relative, $"{note}: before");
            layer.Step(updater);
            Assert.Equal(layer.Numbers("gamma").Count(g => g < 1), clip.Apply(updater));
            foreach (var parameter in layer.Parameters)
                GoldenTests.Near(
                    layer.Numbers($"{parameter.Name}_out"), parameter.Value.ToArray<double>(), absolute, relative,
                    $"{note}: {parameter.Name}");
            layer.Step(updater);
            GoldenTests.Near(layer.Numbers("max_logits_after"), layer.Logits.Take(), absolute, relative, $"{note}: after");
        }
    }

    /// <summary>
    /// Of a model with fused matrices and grouped heads, stored in fewer bits or not: the threshold is met by the same batch, and what an
    /// evaluation sees does not count.
    /// </summary>
    [Theory]
    [InlineData(DType.F32, false)]
    [InlineData(DType.BF16, false)]
    [InlineData(DType.BF16, true)]
    public void A_model_is_brought_to_the_threshold(DType type, bool masters)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var config = new LlamaConfig { Layers = 2, Heads = 4, KvHeads = 2, Width = 16, Context = 8, VocabularySize = 11, Weights = type };
        using var model = config.Create(device, 3);
        var ids = Tensor.From<int>([.. Enumerable.Range(0, 16).Select(i => i * 7 % 11)], (2, 8), device);
        using var updater = new Updater(model.Parameters(), Route.For(new Muon()), new UpdaterOptions
        {
            Schedule = 0, MasterWeights = masters,
        });
        var heads = Attention.Watch(model);
        var probe = new QkClip(heads) { Threshold = 1e9 };
        updater.Step(() => model.Loss(ids, ids));
        Assert.Equal(0, probe.Apply(updater));
        double threshold = probe.Largest / 2;
        using var clip = new QkClip(heads) { Threshold = threshold };
        model.Loss(ids, ids);
        Assert.Equal((0, -1e30f), (clip.Apply(updater), (float)clip.Largest));
        updater.Step(() => model.Loss(ids, ids));
        Assert.InRange(clip.Apply(updater), 1, 4);
        Assert.Equal(probe.Largest, clip.Largest); // nothing has changed
        for (int i = 0; i < 8; i++) // the second layer's inputs change with the first
        {
            updater.Step(() => model.Loss(ids, ids));
            clip.Apply(updater);
        }

        Assert.InRange(clip.Largest, 0.9 * threshold, 1.02 * threshold); // BF16 has eight digits
    }

    [Fact]
    public void Wrong_uses_are_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new GptConfig { Layers = 1, Heads = 2, Width = 8, Context = 4, VocabularySize = 5 }.Create(device, 1);
        using var norm = new LayerNorm(new ParameterSource(device), 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => new QkClip(Attention.Watch(model)) { Threshold = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new QkClip(Attention.Watch(model)) { Alpha = 2 });
        Assert.Contains("no attention", Assert.Throws<ArgumentException>(() => Attention.Watch(norm)).Message);
        model.Freeze("*qkv*");
        Assert.Contains("qkv.weight", Assert.Throws<ArgumentException>(() => new QkClip(Attention.Watch(model))).Message);
    }

    private static IEnumerable<JsonElement> Golden() => GoldenTests.Load("qk-clip-open").GetProperty("cases").EnumerateArray()
        .Where(c => !c.TryGetProperty("layout", out _));

    /// <summary>The queries and keys of a case.</summary>
    private sealed class Layer : IDisposable
    {
        private readonly JsonElement golden;
        private readonly Tensor x;
        private readonly Parameter wq, wk, bq, bk;

        public Layer(Device device, JsonElement golden)
        {
            this.golden = golden;
            x = Values("x_q", (Count("batch"), Count("seq"), Count("d_model")));
            int heads = Count("heads"), kvHeads = Count("kv_heads");
            wq = Make("wq", (heads * Size, Count("d_model")));
            wk = Make("wk", (kvHeads * Size, Count("d_model")));
            (bq, bk) = (Make("bq", heads * Size), Make("bk", kvHeads * Size));
            Logits = new HeadLogits(device, heads, kvHeads, Size) { Queries = [(wq, 0), (bq, 0)], Keys = [(wk, 0), (bk, 0)] };

            Parameter Make(string name, Shape shape) => new(name, Values(name + "_q", shape), Role.Hidden);

            Tensor Values(string name, Shape shape) =>
                Tensor.From<double>([.. Numbers(name).Select(value => value / Number("q"))], shape, device);
        }

        public HeadLogits Logits { get; }

        public IReadOnlyList<Parameter> Parameters => [wq, wk, bq, bk];

        public int Size => Count("head_dim");

        public double Number(string name) => golden.GetProperty(name).GetDouble();

        public double[] Numbers(string name) => GoldenTests.Numbers(golden.GetProperty(name));

        /// <summary>A step without a change.</summary>
        public void Step(Updater updater)
        {
            updater.Begin(0);
            using (var tape = Tape.Record(x.Device)) updater.Backward(tape, Loss());
            updater.End();
        }

        public void Dispose()
        {
            foreach (var parameter in Parameters) parameter.Dispose();
            Logits.Dispose();
        }

        private Tensor Loss()
        {
            Tensor q = Turned(x.Linear(wq.Value, bq.Value)), k = Turned(x.Linear(wk.Value, bk.Value));
            return q.Attention(k, k, new AttentionMask { Causal = golden.GetProperty("causal").GetBoolean() }, Logits).Sum();
        }

        private Tensor Turned(Tensor rows)
        {
            var heads = rows.Reshape((rows.Shape[0], rows.Shape[1], rows.Shape[2] / Size, Size));
            if (!golden.GetProperty("rope").GetBoolean()) return heads;
            return heads.Rotary(x.Device.RotaryTable((int)x.Shape[1], Size), halves: true);
        }

        private int Count(string name) => golden.GetProperty(name).GetInt32();
    }
}
