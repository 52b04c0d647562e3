namespace Mayfly;

/// <summary>
/// A block of a <see cref="Llama"/>: x + Dropout(attention(norm1(x))), then x + Dropout(mlp(norm2(x))), with RMS norms, rotary attention and SwiGLU.
/// </summary>
public sealed class LlamaBlock : Module
{
    private readonly RmsNorm norm1, norm2;
    private readonly Attention attention;
    private readonly SwigluMlp mlp;
    private readonly float dropout;

    /// <summary>A block of the given model, with new parameters.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="rotation">The angles of all positions.</param>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
    public LlamaBlock(ParameterSource source, LlamaConfig config, Rotation rotation)
    {
        config.Check();
        dropout = config.Dropout;
        Initializer first = Init.Normal(0.02), last = Init.Normal(0.02 / Math.Sqrt(2.0 * config.Layers));
        norm1 = Add("norm1", new RmsNorm(source, config.Width, config.Epsilon));
        attention = Add("attention", new Attention(source, config.Width, config.Heads, config.KvHeads, false, first, last, rotation));
        norm2 = Add("norm2", new RmsNorm(source, config.Width, config.Epsilon));
        mlp = Add("mlp", new SwigluMlp(source, config.Width, config.HiddenSize, first, last));
    }

    /// <summary>The block's result for the new tokens of a cache's rows, without dropout: x (1, N, C) -> (1, N, C).</summary>
    internal Tensor Extend(Tensor x, CacheStep step)
    {
        using var scope = Open(x);
        var h = attention.Extend(x, norm1.Call(x), step);
        return scope.Return(mlp.AddTo(h, norm2.Call(h)));
    }

    /// <summary>x (B, T, C) -> (B, T, C).</summary>
    protected override Tensor Forward(Tensor x)
    {
        x = attention.AddTo(x, norm1.Call(x), dropout);
        return mlp.AddTo(x, norm2.Call(x), dropout);
    }
}
