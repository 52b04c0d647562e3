namespace Mayfly;

/// <summary>
/// A language model of one column: token embeddings, with learned positions where the configuration has them, blocks, a final norm and a
/// head. Its <see cref="DecoderConfig"/> makes the parts; <see cref="Gpt"/> and <see cref="Llama"/> are two of them. Initial values follow
/// GPT-2 (Radford et al. 2019): normal with deviation 0.02, the last layer of each branch 0.02 / sqrt(2 layers), biases 0, gains 1.
/// </summary>
public class Decoder : LanguageModel
{
    private readonly Embedding tokens;
    private readonly Embedding? positions;
    private readonly Module[] blocks;
    private readonly Module norm, head;

    /// <summary>A model with new parameters.</summary>
    /// <param name="config">Its shape and its parts.</param>
    /// <param name="device">Where it lives; null means <see cref="Device.Cpu"/>.</param>
    /// <param name="seed">The seed of the initial values.</param>
    /// <exception cref="ArgumentException">The configuration is impossible; see <see cref="ModelConfig.Check"/>.</exception>
    public Decoder(DecoderConfig config, Device? device = null, ulong seed = 1)
    {
        config.Check();
        Config = config;
        var source = new ParameterSource(device, seed, config.Weights);
        try
        {
            var rotation = config.NewRotation(source.Device);
            rotation?.OwnBy(AddConstant);
            tokens = Add("tokens", new Embedding(source, config.VocabularySize, config.Width));
            positions = config.LearnsPositions ? Add("positions", new Embedding(source, config.Context, config.Width)) : null;
            blocks = new Module[config.Layers];
            for (int i = 0; i < blocks.Length; i++) blocks[i] = Add($"blocks.{i}", config.NewBlock(source, rotation));
            norm = Add("norm", config.NewNorm(source));
            head = Add("head", config.TiedHead
                ? new Linear(tokens.Table)
                : new Linear(source, config.Width, config.VocabularySize, bias: false, Role.Head, Init.Normal(0.02)));
        }
        catch
        {
            source.Abandon(); // a part that was not finished has its parameters alone
            Dispose();
            throw;
        }
    }

    /// <summary>The shape.</summary>
    public override DecoderConfig Config { get; }

    /// <inheritdoc/>
    protected override bool ReadsNewTokensAlone => true;

    /// <inheritdoc/>
    protected override Tensor Scores(Tensor ids) => head.Call(norm.Call(Last(Hidden(ids))));

    /// <inheritdoc/>
    protected override Tensor LossOf(Tensor ids, Tensor targets, double? total) => head is Linear { IsReplaced: false } linear
        ? linear.CrossEntropy(norm.Call(Hidden(ids)), targets, total)
        : base.LossOf(ids, targets, total);

    /// <summary>What the final norm reads: ids I32 (B, T) -> (B, T, C).</summary>
    private Tensor Hidden(Tensor ids)
    {
        var h = Embed(ids); // (B, T, C)
        int size = Config.CheckpointBlocks.SegmentSize(blocks.Length);
        for (int i = 0; i < blocks.Length; i += size) h = Segment(i, Math.Min(i + size, blocks.Length), h);
        return h;
    }

    private Tensor Embed(Tensor ids)
    {
        var h = tokens.Call(ids); // (B, T, C)
        if (positions is not null) h += positions.AtPositions(ids); // + (T, C), or (B, T, C)
        return IsTraining && Config.Dropout > 0 ? h.Dropout(Config.Dropout) : h;
    }

    /// <summary>Some blocks; their input goes at once, unless the tape saved it.</summary>
    private Tensor Segment(int first, int end, Tensor h)
    {
        using var input = h;
        return end - first == 1 ? Block(first, h) : Checkpoint(first, end, h);
    }

    private Tensor Checkpoint(int first, int end, Tensor h) => Again(x => Blocks(first, end, x), h);

    /// <summary>Several blocks. The input is the caller's.</summary>
    private Tensor Blocks(int first, int end, Tensor x)
    {
        var h = Block(first, x);
        for (int i = first + 1; i < end; i++)
        {
            using var input = h;
            h = Block(i, input);
        }

        return h;
    }

    /// <summary>One block, run again by backward where the configuration says so.</summary>
    private Tensor Block(int i, Tensor x) => Config.CheckpointBlocks.Recomputes(i) ? Again(blocks[i].Call, x) : blocks[i].Call(x);

    /// <summary>A part that backward runs again; the documents of the batch are an input of it.</summary>
    private static Tensor Again(Func<Tensor, Tensor> part, Tensor x) => FirstKeys is not { } first ? Tape.Checkpoint(part, x)
        : Tape.Checkpoint(xs => [WithFirstKeys(xs[1], part, xs[0])], x, first)[0];
}
