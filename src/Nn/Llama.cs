namespace Mayfly;

/// <summary>
/// A language model like Llama (Touvron et al. 2023): token embeddings, blocks with RMS norms in front, rotary positions, grouped key and value heads
/// and SwiGLU, a final norm and a head; no biases. Initial values are normal with deviation 0.02, the last layer of each branch
/// 0.02 / sqrt(2 layers), gains 1.
/// </summary>
public sealed class Llama : LanguageModel
{
    private readonly Rotation rotation;
    private readonly Embedding tokens;
    private readonly LlamaBlock[] blocks;
    private readonly RmsNorm norm;
    private readonly Linear head;

    /// <summary>A model with new parameters.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
    /// <param name="seed">The seed of the initial values.</param>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
    public Llama(LlamaConfig config, Device? device = null, ulong seed = 1)
    {
        config.Check();
        Config = config;
        var source = new ParameterSource(device, seed);
        rotation = new Rotation(AddConstant(source.Device.RotaryTable(config.Context, config.HeadSize, config.Theta)), config.RotaryHalves);
        tokens = Add("tokens", new Embedding(source, config.VocabularySize, config.Width));
        blocks = new LlamaBlock[config.Layers];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = Add($"blocks.{i}", new LlamaBlock(source, config, rotation));
        norm = Add("norm", new RmsNorm(source, config.Width, config.Epsilon));
        head = Add("head", config.TiedHead
            ? new Linear(tokens.Table)
            : new Linear(source, config.Width, config.VocabularySize, bias: false, Role.Head, Init.Normal(0.02)));
    }

    /// <summary>The shape.</summary>
    public override LlamaConfig Config { get; }

    /// <summary>ids I32 (B, T) -> (B, T, V).</summary>
    protected override Tensor Forward(Tensor x)
    {
        CheckIds(x);
        var h = tokens.Call(x); // (B, T, C)
        if (IsTraining && Config.Dropout > 0) h = h.Dropout(Config.Dropout);
        foreach (var block in blocks) h = Run(block, h);
        return head.Call(norm.Call(h));
    }

    /// <inheritdoc/>
    private protected override Tensor Forward(CacheStep step)
    {
        var h = tokens.Call(step.Ids); // (1, N, C)
        foreach (var block in blocks)
        {
            using var input = h;
            h = block.Extend(input, step);
        }

        return head.Call(norm.Call(step.AtLast(h)));
    }

    /// <inheritdoc/>
    private protected override Rotation RotationAt(Tensor positions)
    {
        var table = rotation.Table;
        var rows = table.Reshape((Config.Context, Config.HeadSize)).Embedding(positions); // (1, N, D)
        return rotation with { Table = rows.Reshape((positions.Count, Config.HeadSize / 2, 2)) };
    }
}
