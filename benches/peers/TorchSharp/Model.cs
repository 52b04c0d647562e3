using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpPeer;

/// <summary>The sizes of StepBench.cs.</summary>
internal sealed record ModelSize(int Vocabulary, int Layers, int Heads, int Width, int Context, int Batch)
{
    public static Dictionary<string, ModelSize> Named { get; } = new()
    {
        ["S"] = new(65, 4, 4, 128, 64, 12),
        ["M"] = new(65, 6, 6, 384, 256, 4),
        ["L"] = new(50304, 12, 12, 768, 256, 4),
        ["L64"] = new(50304, 12, 12, 768, 64, 4),
    };
}

/// <summary>A GPT or a Llama with a tied head.</summary>
internal sealed class Model : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly Embedding tokens;
    private readonly Embedding? positions;
    private readonly ModuleList<Block> blocks;
    private readonly nn.Module<Tensor, Tensor> norm;
    private readonly (Tensor Cos, Tensor Sin)? angles;

    public Model(string kind, ModelSize s) : base("model")
    {
        bool gpt = kind == "gpt";
        int hidden = gpt ? 4 * s.Width : (8 * s.Width / 3 + 31) / 32 * 32;
        tokens = nn.Embedding(s.Vocabulary, s.Width);
        positions = gpt ? nn.Embedding(s.Context, s.Width) : null;
        blocks = nn.ModuleList(Enumerable.Range(0, s.Layers).Select(_ => new Block(gpt, s.Heads, s.Width, hidden)).ToArray());
        norm = Block.Norm(gpt, s.Width);
        RegisterComponents();
        if (!gpt) angles = Angles(s.Context, s.Width / s.Heads / 2);
        foreach (var (name, p) in named_parameters())
        {
            if (p.dim() == 2) nn.init.normal_(p, 0, name.Contains("last") ? 0.02 / Math.Sqrt(2 * s.Layers) : 0.02);
            else if (name.EndsWith("bias")) nn.init.zeros_(p);
        }
    }

    public override Tensor forward(Tensor ids, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var x = tokens.forward(ids);
        if (positions is not null) x = x + positions.weight!.slice(0, 0, ids.shape[1], 1);
        foreach (var block in blocks) x = block.Run(x, angles);
        var logits = F.linear(norm.forward(x), tokens.weight!);
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).MoveToOuterDisposeScope();
    }

    private static (Tensor, Tensor) Angles(int context, int half)
    {
        var table = outer(arange(context).to(float32), pow(10000.0, -arange(half).to(float32) / half));
        return (table.cos(), table.sin());
    }
}

/// <summary>A pre-norm block.</summary>
internal sealed class Block : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> norm1, norm2;
    private readonly Linear qkv, last1, up, last2;
    private readonly Linear? gate;
    private readonly int heads;

    public Block(bool gpt, int heads, int width, int hidden) : base("block")
    {
        this.heads = heads;
        (norm1, norm2) = (Norm(gpt, width), Norm(gpt, width));
        (qkv, last1) = (nn.Linear(width, 3 * width, hasBias: gpt), nn.Linear(width, width, hasBias: gpt));
        (up, last2) = (nn.Linear(width, hidden, hasBias: gpt), nn.Linear(hidden, width, hasBias: gpt));
        gate = gpt ? null : nn.Linear(width, hidden, hasBias: false);
        RegisterComponents();
    }

    public static nn.Module<Tensor, Tensor> Norm(bool gpt, int width) => gpt ? nn.LayerNorm(width) : new RmsNorm(width);

    public override Tensor forward(Tensor x) => Run(x, null);

    public Tensor Run(Tensor x, (Tensor Cos, Tensor Sin)? angles)
    {
        using var scope = NewDisposeScope();
        x = x + Attend(norm1.forward(x), angles);
        var n = norm2.forward(x);
        var hidden = gate is null ? F.gelu(up.forward(n)) : F.silu(gate.forward(n)) * up.forward(n);
        return (x + last2.forward(hidden)).MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor x, (Tensor Cos, Tensor Sin)? angles)
    {
        long b = x.shape[0], t = x.shape[1], d = x.shape[2];
        var z = qkv.forward(x).split(d, 2).Select(a => a.view(b, t, heads, d / heads).transpose(1, 2)).ToArray();
        if (angles is var (cos, sin)) (z[0], z[1]) = (Rotate(z[0], cos, sin), Rotate(z[1], cos, sin));
        var y = F.scaled_dot_product_attention(z[0], z[1], z[2], is_casual: true);
        return last1.forward(y.transpose(1, 2).reshape(b, t, d));
    }

    private static Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        var halves = x.chunk(2, -1);
        return cat([halves[0] * cos - halves[1] * sin, halves[1] * cos + halves[0] * sin], -1);
    }
}

/// <summary>TorchSharp 0.107 has none.</summary>
internal sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    private readonly Parameter gain;

    public RmsNorm(int width) : base("rms")
    {
        gain = new Parameter(ones(width));
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x * (x.square().mean([-1], true) + 1e-5).rsqrt() * gain).MoveToOuterDisposeScope();
    }
}
