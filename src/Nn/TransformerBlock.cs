namespace Mayfly;

/// <summary>
/// A transformer block with the norms in front of its branches (GPT-2; Xiong et al. 2020): x + Dropout(attention(norm1(x))), then
/// x + Dropout(mlp(norm2(x))).
/// </summary>
public sealed class TransformerBlock : Module
{
    private readonly LayerNorm norm1, norm2;
    private readonly Attention attention;
    private readonly Mlp mlp;
    private readonly float dropout;

    /// <summary>A block of the given model, with new parameters.</summary>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
    public TransformerBlock(ParameterSource source, GptConfig config)
    {
        config.Check();
        dropout = config.Dropout;
        Initializer first = Init.Normal(0.02), last = Init.Normal(0.02 / Math.Sqrt(2.0 * config.Layers));
        norm1 = Add("norm1", new LayerNorm(source, config.Width, config.Bias));
        attention = Add("attention", new Attention(source, config.Width, config.Heads, config.KvHeads, config.Bias, first, last));
        norm2 = Add("norm2", new LayerNorm(source, config.Width, config.Bias));
        mlp = Add("mlp", new Mlp(source, config.Width, config.Hidden, config.Bias, config.GeluErf, first, last));
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
