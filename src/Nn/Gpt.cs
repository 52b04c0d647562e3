namespace Mayfly;

/// <summary>
/// A language model like GPT-2 (Radford et al. 2019): token and learned position embeddings, blocks with the norms in front, a final norm and a head.
/// Initial values follow GPT-2: normal with deviation 0.02, the last layer of each branch 0.02 / sqrt(2 layers), biases 0, gains 1.
/// </summary>
public sealed class Gpt : LanguageModel
{
    private readonly Embedding tokens, positions;
    private readonly TransformerBlock[] blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    /// <summary>A model with new parameters.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
    /// <param name="seed">The seed of the initial values.</param>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
    public Gpt(GptConfig config, Device? device = null, ulong seed = 1)
    {
        config.Check();
        Config = config;
        var source = new ParameterSource(device, seed);
        tokens = Add("tokens", new Embedding(source, config.VocabularySize, config.Width));
        positions = Add("positions", new Embedding(source, config.Context, config.Width));
        blocks = new TransformerBlock[config.Layers];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = Add($"blocks.{i}", new TransformerBlock(source, config));
        norm = Add("norm", new LayerNorm(source, config.Width, config.Bias));
        head = Add("head", config.TiedHead
            ? new Linear(tokens.Table)
            : new Linear(source, config.Width, config.VocabularySize, bias: false, Role.Head, Init.Normal(0.02)));
    }

    /// <summary>The shape.</summary>
    public override GptConfig Config { get; }

    /// <summary>ids I32 (B, T) -> (B, T, V).</summary>
    protected override Tensor Forward(Tensor x)
    {
        CheckIds(x);
        var h = Embed(x); // (B, T, C)
        foreach (var block in blocks) h = Run(block, h);
        return head.Call(norm.Call(h));
    }

    /// <inheritdoc/>
    private protected override Tensor Forward(CacheStep step)
    {
        var h = tokens.Call(step.Ids) + positions.Call(step.Positions); // (1, N, C)
        foreach (var block in blocks)
        {
            using var input = h;
            h = block.Extend(input, step);
        }

        return head.Call(norm.Call(step.AtLast(h)));
    }

    private Tensor Embed(Tensor ids)
    {
        var h = tokens.Call(ids) + positions.First(ids.Shape[1]); // (B, T, C) + (T, C)
        return IsTraining && Config.Dropout > 0 ? h.Dropout(Config.Dropout) : h;
    }
}
