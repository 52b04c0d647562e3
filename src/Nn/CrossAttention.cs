namespace Mayfly;

/// <summary>
/// Attention of one sequence to another (Vaswani et al. 2017): queries come from x, keys and values from a memory of any length, such as
/// what an encoder made of another text.
/// </summary>
public sealed class CrossAttention : Module
{
    private readonly Linear query, keyValue, projection;
    private readonly int heads, kvHeads;
    private readonly int size;

    /// <summary>
    /// New <c>query</c> (C -> C), <c>key_value</c> (M -> 2 kvHeads D, D = C / heads; all keys, then all values) and <c>projection</c>
    /// (C -> C).
    /// </summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis of x.</param>
    /// <param name="heads">The number of query heads.</param>
    /// <param name="memoryWidth">M, the size of the memory's last axis; 0 takes C.</param>
    /// <param name="kvHeads">The number of key and value heads; 0 takes as many as query heads.</param>
    /// <param name="bias">Whether the linear layers have biases.</param>
    /// <param name="initializer">The initial values; null means <see cref="Init.XavierUniform"/>.</param>
    /// <exception cref="ArgumentException">
    /// The heads do not divide the width, or the key and value heads do not divide the heads.
    /// </exception>
    public CrossAttention(
        ParameterSource source, int width, int heads, int memoryWidth = 0, int kvHeads = 0, bool bias = true,
        Initializer? initializer = null)
    {
        this.heads = heads;
        this.kvHeads = kvHeads == 0 ? heads : kvHeads;
        if (heads < 1 || width % heads != 0 || this.kvHeads < 1 || heads % this.kvHeads != 0)
            throw new ArgumentException($"CrossAttention: width {width}, {heads} heads, {this.kvHeads} key and value heads; each must be "
                + "a multiple of the next.");
        size = width / heads;
        int kvWidth = this.kvHeads * size;
        query = Add("query", new Linear(source, width, width, bias, initializer: initializer));
        keyValue = Add(
            "key_value", new Linear(source, memoryWidth == 0 ? width : memoryWidth, 2 * kvWidth, bias, initializer: initializer));
        query.Weight.HeadRows = size;
        (keyValue.Weight.RowBlocks, keyValue.Weight.HeadRows) = ([kvWidth, kvWidth], size);
        projection = Add("projection", new Linear(source, width, width, bias, initializer: initializer));
    }

    /// <summary>x (B, T, C), memory (B, S, M) -> (B, T, C).</summary>
    /// <param name="x">(B, T, C).</param>
    /// <param name="memory">(B, S, M).</param>
    /// <param name="mask">Which positions of the memory each of x sees; null for all.</param>
    /// <exception cref="ArgumentException">The shapes or the mask do not fit.</exception>
    public Tensor Call(Tensor x, Tensor memory, AttentionMask? mask = null)
    {
        using var scope = Open(x);
        return scope.Return(projection.Call(Mix(x, memory, mask)));
    }

    /// <summary>residual + Dropout(<see cref="Call(Tensor, Tensor, AttentionMask)"/>).</summary>
    /// <param name="residual">(B, T, C).</param>
    /// <param name="x">(B, T, C).</param>
    /// <param name="memory">(B, S, M).</param>
    /// <param name="mask">Which positions of the memory each of x sees; null for all.</param>
    /// <param name="dropout">The part of the branch's elements that training sets to zero.</param>
    /// <exception cref="ArgumentException">The shapes or the mask do not fit.</exception>
    public Tensor AddTo(Tensor residual, Tensor x, Tensor memory, AttentionMask? mask = null, float dropout = 0)
    {
        using var scope = Open(x);
        return scope.Return(projection.AddTo(residual, Mix(x, memory, mask), dropout));
    }

    private Tensor Mix(Tensor x, Tensor memory, AttentionMask? mask)
    {
        var q = query.Call(x).Reshape((x.Shape[0], x.Shape[1], heads, size)); // (B, T, H, D)
        var kv = keyValue.Call(memory).Reshape((memory.Shape[0], memory.Shape[1], 2 * kvHeads, size)); // (B, S, 2 G, D)
        return q.Attention(kv.Slice(2, 0, kvHeads), kv.Slice(2, kvHeads, kvHeads), mask ?? new AttentionMask()).Reshape(x.Shape);
    }
}
