namespace Mayfly;

/// <summary>
/// Self-attention (Vaswani et al. 2017) with grouped key and value heads (Ainslie et al. 2023): one matrix product yields queries, keys and
/// values, another one mixes the heads. It is causal unless a call brings another mask. The attention probabilities are never stored and
/// never dropped.
/// </summary>
public class Attention : Module, IAttention
{
    private readonly Linear qkv, projection;
    private readonly int heads;
    private readonly Rotation? rotation;
    private HeadLogits? logits;

    /// <summary>New <c>qkv</c> (C -> (heads + 2 kvHeads) D, D = C / heads) and <c>projection</c> (C -> C).</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="heads">The number of query heads.</param>
    /// <param name="kvHeads">The number of key and value heads; 0 takes as many as query heads.</param>
    /// <param name="bias">Whether both linear layers have biases.</param>
    /// <param name="initializer">The initial values of qkv; null means <see cref="Init.XavierUniform"/>.</param>
    /// <param name="projectionInitializer">The initial values of the projection; null means <paramref name="initializer"/>.</param>
    /// <param name="rotation">How queries and keys turn with their position; null where they do not.</param>
    /// <param name="window">How many positions up to its own each one sees (Beltagy et al. 2020); 0 for all of them.</param>
    /// <exception cref="ArgumentException">
    /// The heads do not divide the width, the key and value heads do not divide the heads, or the window is negative.
    /// </exception>
    public Attention(
        ParameterSource source,
        int width,
        int heads,
        int kvHeads = 0,
        bool bias = true,
        Initializer? initializer = null,
        Initializer? projectionInitializer = null,
        Rotation? rotation = null,
        int window = 0)
    {
        if (window < 0) throw new ArgumentException($"Attention: a window of {window} positions; it is positive, or 0 for none.");
        Window = window;
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
        (qkv.Weight.RowBlocks, qkv.Weight.HeadRows) = ([width, kvWidth, kvWidth], HeadSize);
        projection = Add("projection", new Linear(source, width, width, bias, initializer: projectionInitializer ?? initializer));
    }

    /// <summary>The number of key and value heads.</summary>
    public int KvHeads { get; }

    /// <summary>D, the size of a head.</summary>
    public int HeadSize { get; }

    /// <summary>How many positions up to its own each one sees; 0 for all of them.</summary>
    public int Window { get; }

    /// <summary>Attention over the keys that a mask leaves, instead of the causal ones: x (B, T, C) -> (B, T, C).</summary>
    /// <param name="x">(B, T, C).</param>
    /// <param name="mask">Which positions each one sees.</param>
    /// <exception cref="ArgumentException">The mask does not fit.</exception>
    /// <exception cref="InvalidOperationException">The module was replaced, which such a call does not reach.</exception>
    public Tensor Call(Tensor x, AttentionMask mask)
    {
        using var scope = Open(x);
        return scope.Return(projection.Call(Mix(x, mask)));
    }

    /// <summary>residual + Dropout(<see cref="Call(Tensor, AttentionMask)"/>), in one kernel where nothing is dropped.</summary>
    /// <param name="residual">(B, T, C).</param>
    /// <param name="x">(B, T, C).</param>
    /// <param name="mask">Which positions each one sees.</param>
    /// <param name="dropout">The part of the branch's elements that training sets to zero.</param>
    /// <exception cref="ArgumentException">The mask does not fit.</exception>
    /// <exception cref="InvalidOperationException">The module was replaced, which such a call does not reach.</exception>
    public Tensor AddTo(Tensor residual, Tensor x, AttentionMask mask, float dropout = 0)
    {
        using var scope = Open(x);
        return scope.Return(projection.AddTo(residual, Mix(x, mask), dropout));
    }

    /// <summary>Lets training note the largest logit of each head from now on, in every attention to its own sequence of a model.</summary>
    /// <param name="model">A module that has some.</param>
    /// <returns>What they note, in the order of the modules; it is the caller's to dispose.</returns>
    /// <exception cref="ArgumentException">It has none.</exception>
    public static IReadOnlyList<HeadLogits> Watch(Module model)
    {
        HeadLogits[] all = [.. model.Modules().OfType<Attention>().Select(module => module.Watch())];
        return all.Length > 0 ? all : throw new ArgumentException($"Attention: {model.GetType().Name} has no attention to watch.");
    }

    private HeadLogits Watch()
    {
        Parameter[] fused = [qkv.Weight, .. qkv.Bias is { } bias ? [bias] : Array.Empty<Parameter>()];
        long first = (long)heads * HeadSize;
        return logits = new HeadLogits(qkv.Weight.Value.Device, heads, KvHeads, HeadSize)
        {
            Queries = [.. fused.Select(p => (p, 0L))], Keys = [.. fused.Select(p => (p, first))],
        };
    }

    /// <summary>x (B, T, C) -> (B, T, C).</summary>
    protected override Tensor Forward(Tensor x) => projection.Call(Mix(x));

    /// <inheritdoc/>
    protected override Tensor AddForward(Tensor residual, Tensor x, float dropout) => projection.AddTo(residual, Mix(x), dropout);

    /// <summary>Queries, keys and values side by side, before they turn: x (B, T, C) -> (B, T, (heads + 2 kvHeads) D).</summary>
    protected virtual Tensor Project(Tensor x) => qkv.Call(x);

    private Tensor Mix(Tensor x, AttentionMask? mask = null)
    {
        var step = mask is null ? LanguageModel.Step : null;
        var fused = Project(x); // (B, T, (heads + 2 kvHeads) D)
        if ((step is null ? rotation : step.Turned(rotation)) is { } turn)
            fused = fused.RotaryQkv(turn.On(x.Device), heads, KvHeads, turn.Halves, takeOver: true);
        if (step is not null) return step.Attend(this, fused);
        return fused.SelfAttention(
            heads, KvHeads, mask ?? new AttentionMask { Causal = true, Window = Window, First = LanguageModel.FirstKeys }, logits);
    }
}
