namespace Mayfly;

/// <summary>
/// Causal self-attention (Vaswani et al. 2017) with grouped key and value heads (Ainslie et al. 2023): one matrix product yields queries,
/// keys and values, another one mixes the heads. The attention probabilities are never stored and never dropped.
/// </summary>
public class Attention : Module, IAttention
{
    private readonly Linear qkv, projection;
    private readonly int heads;
    private readonly Rotation? rotation;

    /// <summary>New <c>qkv</c> (C -> (heads + 2 kvHeads) D, D = C / heads) and <c>projection</c> (C -> C).</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="heads">The number of query heads.</param>
    /// <param name="kvHeads">The number of key and value heads; 0 takes as many as query heads.</param>
    /// <param name="bias">Whether both linear layers have biases.</param>
    /// <param name="initializer">The initial values of qkv; null means <see cref="Init.XavierUniform"/>.</param>
    /// <param name="projectionInitializer">The initial values of the projection; null means <paramref name="initializer"/>.</param>
    /// <param name="rotation">How queries and keys turn with their position; null where they do not.</param>
    /// <exception cref="ArgumentException">
    /// The heads do not divide the width, or the key and value heads do not divide the heads.
    /// </exception>
    public Attention(
        ParameterSource source,
        int width,
        int heads,
        int kvHeads = 0,
        bool bias = true,
        Initializer? initializer = null,
        Initializer? projectionInitializer = null,
        Rotation? rotation = null)
    {
        this.heads = heads;
        this.rotation = rotation;
        KvHeads = kvHeads == 0 ? heads : kvHeads;
        if (heads < 1 || width % heads != 0)
            throw new ArgumentException(
                $"Attention: width {width} is not divisible by {heads} heads; choose a width that is a multiple of the heads.");
        if (KvHeads < 1 || heads % KvHeads != 0)
            throw new ArgumentException(
                $"Attention: {heads} heads are not divisible by {kvHeads} key and value heads; choose a divisor of the heads.");
        HeadSize = width / heads;
        int kvWidth = KvHeads * HeadSize;
        qkv = Add("qkv", new Linear(source, width, width + 2 * kvWidth, bias, initializer: initializer));
        qkv.Weight.RowBlocks = [width, kvWidth, kvWidth];
        projection = Add("projection", new Linear(source, width, width, bias, initializer: projectionInitializer ?? initializer));
    }

    /// <summary>The number of key and value heads.</summary>
    public int KvHeads { get; }

    /// <summary>D, the size of a head.</summary>
    public int HeadSize { get; }

    /// <summary>x (B, T, C) -> (B, T, C).</summary>
    protected override Tensor Forward(Tensor x) => projection.Call(Mix(x));

    /// <inheritdoc/>
    protected override Tensor AddForward(Tensor residual, Tensor x, float dropout) => projection.AddTo(residual, Mix(x), dropout);

    /// <summary>Queries, keys and values side by side, before they turn: x (B, T, C) -> (B, T, (heads + 2 kvHeads) D).</summary>
    protected virtual Tensor Project(Tensor x) => qkv.Call(x);

    private Tensor Mix(Tensor x)
    {
        var step = LanguageModel.Step;
        var fused = Project(x); // (B, T, (heads + 2 kvHeads) D)
        if ((step is null ? rotation : step.Turned(rotation)) is { } turn)
            fused = fused.RotaryQkv(turn.Table, heads, KvHeads, turn.Halves, takeOver: true);
        return step is null ? fused.CausalAttention(heads, KvHeads, LanguageModel.FirstKeys) : step.Attend(this, fused);
    }
}
