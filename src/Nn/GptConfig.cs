namespace Mayfly;

/// <summary>The shape of a <see cref="Gpt"/>. The defaults are nanoGPT's small CPU model.</summary>
public sealed record GptConfig : DecoderConfig
{
    /// <summary>Whether norms and linear layers have biases; the head has none.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>The exact GELU by the error function in place of GPT-2's tanh form.</summary>
    public bool GeluErf { get; init; }

    /// <summary>A published model by name: gpt2-124m.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists those known.</exception>
    public static new GptConfig Named(string name) => ModelNames.Find<GptConfig>(name);

    /// <inheritdoc/>
    public override LanguageModel Create(Device? device = null, ulong seed = 1) => new Gpt(this, device, seed);

    /// <inheritdoc/>
    protected internal override bool LearnsPositions => true;

    /// <inheritdoc/>
    protected override bool HasBias => Bias;

    /// <inheritdoc/>
    protected internal override Module NewNorm(ParameterSource source) => new LayerNorm(source, Width, Bias);

    /// <inheritdoc/>
    protected internal override Module NewMlp(ParameterSource source) =>
        new Mlp(source, Width, Hidden, Bias, GeluErf, WeightInit, LastInit);

    /// <inheritdoc/>
    public override long CountParameters()
    {
        long hidden = Hidden == 0 ? 4L * Width : Hidden, biases = Bias ? FusedWidth + hidden + 2L * Width : 0;
        long norm = Bias ? 2L * Width : Width;
        long block = checked(2 * norm + AttentionWeights + 2 * Width * hidden + biases);
        return checked((long)Context * Width + Layers * block + norm + TokenWeights);
    }
}
