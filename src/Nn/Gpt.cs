namespace Mayfly;

/// <summary>
/// A language model like GPT-2 (Radford et al. 2019): token and learned position embeddings, blocks with the norms in front, a final norm and a head.
/// Initial values follow GPT-2: normal with deviation 0.02, the last layer of each branch 0.02 / sqrt(2 layers), biases 0, gains 1.
/// </summary>
public sealed class Gpt : Module
{
    private readonly Embedding tokens, positions;
    private readonly TransformerBlock[] blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    /// <summary>A model with new parameters.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
    /// <param name="seed">The seed of the initial values.</param>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="GptConfig.Check"/>.</exception>
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
    public GptConfig Config { get; }

    /// <summary>The scores of every next token: ids I32 (B, T) -> (B, T, V).</summary>
    /// <exception cref="ArgumentException">ids are not (B, T), or T exceeds the context.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Logits(Tensor ids) => Call(ids);

    /// <summary>The mean cross-entropy in nats of the targets.</summary>
    /// <param name="ids">I32 (B, T).</param>
    /// <param name="targets">I32 (B, T); -1 does not count.</param>
    /// <param name="total">What the sum is divided by; null means the number of targets that count.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Loss(Tensor ids, Tensor targets, double? total = null)
    {
        using var scope = Open(ids);
        return scope.Return(Logits(ids).CrossEntropy(targets, total: total));
    }

    /// <summary>ids I32 (B, T) -> (B, T, V).</summary>
    protected override Tensor Forward(Tensor x)
    {
        if (x.Rank != 2) throw new ArgumentException($"Gpt: ids of shape {x.Shape}; they must be (batch, time).");
        if (x.Shape[1] > Config.Context)
            throw new ArgumentException($"Gpt: {x.Shape[1]} tokens exceed the context of {Config.Context}; pass the last {Config.Context} or make a model with a longer one.");
        var h = Embed(x); // (B, T, C)
        foreach (var block in blocks) h = Next(block, h);
        return head.Call(norm.Call(h));
    }

    /// <summary>One block; its input goes at once, unless the tape saved it.</summary>
    private Tensor Next(TransformerBlock block, Tensor h)
    {
        using var input = h;
        return Config.CheckpointBlocks ? Tape.Checkpoint(block.Call, h) : block.Call(h);
    }

    private Tensor Embed(Tensor ids)
    {
        var h = tokens.Call(ids) + positions.First(ids.Shape[1]); // (B, T, C) + (T, C)
        return IsTraining && Config.Dropout > 0 ? h.Dropout(Config.Dropout) : h;
    }
}
