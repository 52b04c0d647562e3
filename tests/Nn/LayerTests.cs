namespace Mayfly.Tests;

/// <summary>Single layers against their ops and by finite differences.</summary>
public sealed class LayerTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public static TheoryData<string> Layers =>
    [
        "linear", "linear without bias", "layer norm", "layer norm without bias", "rms norm", "attention", "grouped attention", "mlp",
        "exact mlp", "attention through a window", "encoder block",
    ];

    public void Dispose() => device.Dispose();

    [Theory]
    [MemberData(nameof(Layers))]
    public void Gradients_agree_with_finite_differences(string name)
    {
        using var layer = Make(name);
        using var x = Tensor.Uniform(new Shape(2, 3, 8), -1, 1, new RandomKey(1, 1), device);
        ModelGradCheck.Run(layer, () => Weighted(layer.Call(x)), stride: 3);
        GradCheck.Run(xs => layer.Call(xs[0]), [x]);
    }

    [Fact]
    public void Add_to_adds_the_branch_to_the_residual()
    {
        var source = new ParameterSource(device);
        using var mlp = new Mlp(source, 8);
        using var attention = new Attention(source, 8, 2);
        using var scope = device.Scope("residual");
        var x = Tensor.Uniform(new Shape(2, 3, 8), -1, 1, new RandomKey(1, 1), device);
        var residual = Tensor.Uniform(new Shape(2, 3, 8), -1, 1, new RandomKey(1, 2), device);
        Near(residual + mlp.Call(x), mlp.AddTo(residual, x));
        Near(residual + attention.Call(x), attention.AddTo(residual, x));
    }

    [Fact]
    public void A_module_without_kernels_for_two_things_at_once_does_one_after_the_other()
    {
        using var linear = new Linear(new ParameterSource(device), 8, 8);
        using var plain = new Plain(linear);
        using var scope = device.Scope("plain");
        var x = Tensor.Uniform(new Shape(2, 3, 8), -1, 1, new RandomKey(1, 1), device);
        Near(linear.Call(x, new Gelu()), plain.Call(x, new Gelu()));
        Near(linear.AddTo(x, x), plain.AddTo(x, x));
        Assert.Equal(linear.AddTo(x, x).ToArray(), Dropped(linear));
        Assert.NotEqual(linear.AddTo(x, x).ToArray(), Dropped(plain));
        Assert.Equal(Dropped(linear, drops: true), Dropped(plain, drops: true));

        float[] Dropped(Module module, bool drops = false)
        {
            using var tape = Tape.Record(device);
            return module.AddTo(x, x, drops || module == plain ? 0.5f : 0).ToArray();
        }
    }

    private sealed class Plain : Module
    {
        private readonly Module inner;

        public Plain(Module inner) => this.inner = Add("inner", inner);

        protected override Tensor Forward(Tensor x) => inner.Call(x);
    }

    [Fact]
    public void Dropout_in_a_branch_leaves_the_residual_and_stops_in_evaluation()
    {
        using var linear = new Linear(new ParameterSource(device), 8, 8);
        using var tape = Tape.Record(device);
        var x = Tensor.Uniform(new Shape(50, 8), -1, 1, new RandomKey(1, 1), device);
        var kept = linear.AddTo(x, x, dropout: 0.25f).ToArray<double>();
        var before = x.ToArray<double>();
        int dropped = kept.Zip(before).Count(p => p.First == p.Second);
        Assert.InRange(dropped, 70, 130);
        linear.Eval();
        Assert.Equal(linear.AddTo(x, x).ToArray<double>(), linear.AddTo(x, x, dropout: 0.25f).ToArray<double>());
    }

    [Fact]
    public void An_embedding_looks_up_rows()
    {
        using var embedding = new Embedding(new ParameterSource(device), 5, 2);
        using var scope = device.Scope("rows");
        var table = embedding.Table.Value.ToArray();
        var rows = embedding.Call(Tensor.From<int>([4, 0, 4], 3, device));
        Assert.Equal(new Shape(3, 2), rows.Shape);
        Assert.Equal([table[8], table[9], table[0], table[1], table[8], table[9]], rows.ToArray());
        Assert.Equal(table[..6], embedding.AtPositions(Tensor.Zeros((2, 3), device)).ToArray());
    }

    private Module Make(string name)
    {
        var source = new ParameterSource(device, 5);
        return name switch
        {
            "linear" => new Linear(source, 8, 3),
            "linear without bias" => new Linear(source, 8, 3, bias: false),
            "layer norm" => new LayerNorm(source, 8),
            "layer norm without bias" => new LayerNorm(source, 8, bias: false),
            "rms norm" => new RmsNorm(source, 8),
            "attention" => new Attention(source, 8, 2),
            "grouped attention" => new Attention(source, 8, 4, kvHeads: 2, bias: false),
            "mlp" => new Mlp(source, 8),
            "attention through a window" => new Attention(source, 8, 2, window: 2),
            "encoder block" => new EncoderBlock(source, 8, 2, hidden: 6),
            _ => new Mlp(source, 8, hidden: 5, geluErf: true),
        };
    }

    private Tensor Weighted(Tensor y) => (y * Tensor.Uniform(y.Shape, 0.5, 1.5, new RandomKey(2, 2), device)).Sum();

    private static void Near(Tensor expected, Tensor found)
    {
        foreach (var (e, f) in expected.ToArray<double>().Zip(found.ToArray<double>())) Assert.Equal(e, f, 1e-14);
    }
}
