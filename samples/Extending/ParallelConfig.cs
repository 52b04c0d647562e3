using Mayfly;

namespace Extending;

/// <summary>A decoder of parallel blocks (Wang and Komatsuzaki 2021), with RMS norms, rotary positions and SwiGLU.</summary>
public sealed record ParallelConfig : DecoderConfig
{
    protected override Rotation NewRotation(Device device) => new(device.RotaryTable(Context, HeadSize));

    protected override Module NewNorm(ParameterSource source) => new RmsNorm(source, Width);

    protected override Module NewMlp(ParameterSource source) =>
        new SwigluMlp(source, Width, Hidden > 0 ? Hidden : 2 * Width, WeightInit, LastInit);

    protected override Module NewBlock(ParameterSource source, Rotation? rotation) =>
        new ParallelBlock(NewNorm(source), NewAttention(source, rotation), NewMlp(source), Dropout);
}

/// <summary>Attention and feed-forward side by side: x + Dropout(attention(norm(x))) + Dropout(mlp(norm(x))), x (B, T, C).</summary>
public sealed class ParallelBlock : Module
{
    private readonly Module norm, attention, mlp;
    private readonly float dropout;

    public ParallelBlock(Module norm, Module attention, Module mlp, float dropout)
    {
        this.dropout = dropout;
        this.norm = Add("norm", norm);
        this.attention = Add("attention", attention);
        this.mlp = Add("mlp", mlp);
    }

    protected override Tensor Forward(Tensor x)
    {
        var n = norm.Call(x); // (B, T, C)
        return mlp.AddTo(attention.AddTo(x, n, dropout), n, dropout);
    }
}
