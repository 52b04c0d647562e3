namespace Mayfly;

/// <summary>
/// The shape of a <see cref="Decoder"/> and the makers of its parts, which draw from the source in the order of the model: a configuration
/// of your own overrides those that differ.
/// </summary>
public abstract record DecoderConfig : ModelConfig
{
    /// <summary>Whether there is a table of learned positions beside that of tokens.</summary>
    protected internal virtual bool LearnsPositions => false;

    /// <summary>Whether the linear layers of a block have biases.</summary>
    protected virtual bool HasBias => false;

    /// <summary>The initial values of weights.</summary>
    protected static Initializer WeightInit { get; } = Init.Normal(0.02);

    /// <summary>The initial values of the last layer of each branch: the branches of all blocks add up.</summary>
    protected Initializer LastInit => Init.Normal(0.02 / Math.Sqrt(2.0 * Layers));

    /// <inheritdoc/>
    public override LanguageModel Create(Device? device = null, ulong seed = 1) => new Decoder(this, device, seed);

    /// <summary>How queries and keys turn with their position; null where they do not. The model frees the table.</summary>
    /// <param name="device">Where the model lives.</param>
    protected internal virtual Rotation? NewRotation(Device device) => null;

    /// <summary>A norm, as it stands before each branch and before the head: (..., C) -> (..., C).</summary>
    /// <param name="source">Makes the parameters.</param>
    protected internal abstract Module NewNorm(ParameterSource source);

    /// <summary>The feed-forward part of a block: (B, T, C) -> (B, T, C).</summary>
    /// <param name="source">Makes the parameters.</param>
    protected internal abstract Module NewMlp(ParameterSource source);

    /// <summary>
    /// The attention of a block: (B, T, C) -> (B, T, C). A cache keeps the keys and values of an <see cref="Attention"/>, wherever it is in
    /// it.
    /// </summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="rotation">The model's.</param>
    protected internal virtual Module NewAttention(ParameterSource source, Rotation? rotation) =>
        new Attention(source, Width, Heads, KvHeads, HasBias, WeightInit, LastInit, rotation);

    /// <summary>A block: (B, T, C) -> (B, T, C).</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="rotation">The model's.</param>
    protected internal virtual Module NewBlock(ParameterSource source, Rotation? rotation) =>
        new TransformerBlock(NewNorm(source), NewAttention(source, rotation), NewNorm(source), NewMlp(source), Dropout);
}
