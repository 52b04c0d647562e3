namespace Mayfly;

/// <summary>The shape of a <see cref="Llama"/>.</summary>
public sealed record LlamaConfig : DecoderConfig
{
    /// <summary>The base of the rotary angles: pair i of position t turns by t / theta^(2i / D).</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>
    /// Which elements of a head turn together: false, neighbours (llama2.c); true, element i and i + D / 2 (Hugging Face).
    /// </summary>
    public bool RotaryHalves { get; init; }

    /// <summary>What the norms add to the mean of squares.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    /// <summary>
    /// The size inside the feed-forward part: <see cref="ModelConfig.Hidden"/>, or 8/3 of the width, rounded up to a multiple of 32.
    /// </summary>
    private int HiddenSize => Hidden > 0 ? Hidden : checked((8 * Width / 3 + 31) / 32 * 32);

    /// <summary>A published model by name: llama-60m, llama-130m, llama-350m, llama-1b, llama-7b or llama-13b.</summary>
    /// <exception cref="ArgumentException">The name is unknown; the message lists those known.</exception>
    public static new LlamaConfig Named(string name) => ModelNames.Find<LlamaConfig>(name);

    /// <inheritdoc/>
    public override LanguageModel Create(Device? device = null, ulong seed = 1) => new Llama(this, device, seed);

    /// <inheritdoc/>
    protected internal override Rotation NewRotation(Device device) =>
        new(() => device.RotaryTable(Context, HeadSize, Theta), RotaryHalves);

    /// <inheritdoc/>
    protected internal override Module NewNorm(ParameterSource source) => new RmsNorm(source, Width, Epsilon);

    /// <inheritdoc/>
    protected internal override Module NewMlp(ParameterSource source) => new SwigluMlp(source, Width, HiddenSize, WeightInit, LastInit);

    /// <inheritdoc/>
    public override long CountParameters() =>
        checked(Layers * (2L * Width + AttentionWeights + 3L * Width * HiddenSize) + Width + TokenWeights);

    /// <inheritdoc/>
    public override ModelConfig Explicit() => base.Explicit() with { Hidden = HiddenSize };

    /// <inheritdoc/>
    public override void Check()
    {
        base.Check();
        if (HeadSize % 2 != 0)
            throw Bad($"Width {Width} over Heads {Heads} makes heads of odd size {HeadSize}; "
                + "rotary positions turn pairs, so choose an even one.");
        if (!(Theta > 0 && double.IsFinite(Theta))) throw Bad($"Theta {Theta} is not a positive number; the usual one is 10000.");
        if (!(Epsilon > 0 && float.IsFinite(Epsilon))) throw Bad($"Epsilon {Epsilon} is not a positive number; the usual one is 1e-5.");
    }
}
