namespace Mayfly;

/// <summary>
/// The decoder block of a sequence-to-sequence transformer (Vaswani et al. 2017), with the norms in front of the branches: causal
/// self-attention, attention to a memory, and a feed-forward part, each added to x.
/// </summary>
public sealed class CrossAttentionBlock : Module
{
    private static readonly AttentionMask causal = new() { Causal = true };
    private readonly LayerNorm norm1, norm2, norm3;
    private readonly Attention attention;
    private readonly CrossAttention cross;
    private readonly Mlp mlp;
    private readonly float dropout;

    /// <summary>New <c>norm1</c>, <c>attention</c>, <c>norm2</c>, <c>cross</c>, <c>norm3</c> and <c>mlp</c>.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="heads">The number of heads of both attentions.</param>
    /// <param name="memoryWidth">M, the size of the memory's last axis; 0 takes C.</param>
    /// <param name="hidden">The size between the layers of the feed-forward part; 0 takes 4 C.</param>
    /// <param name="dropout">The part of the branches' elements that training sets to zero.</param>
    /// <param name="rotation">How queries and keys of the self-attention turn with their position; null where they do not.</param>
    /// <exception cref="ArgumentException">The heads do not divide the width.</exception>
    public CrossAttentionBlock(
        ParameterSource source, int width, int heads, int memoryWidth = 0, int hidden = 0, float dropout = 0, Rotation? rotation = null)
    {
        this.dropout = dropout;
        norm1 = Add("norm1", new LayerNorm(source, width));
        attention = Add("attention", new Attention(source, width, heads, rotation: rotation));
        norm2 = Add("norm2", new LayerNorm(source, width));
        cross = Add("cross", new CrossAttention(source, width, heads, memoryWidth));
        norm3 = Add("norm3", new LayerNorm(source, width));
        mlp = Add("mlp", new Mlp(source, width, hidden));
    }

    /// <summary>x (B, T, C), memory (B, S, M) -> (B, T, C).</summary>
    /// <param name="x">(B, T, C).</param>
    /// <param name="memory">(B, S, M).</param>
    /// <param name="memoryMask">Which positions of the memory each of x sees; null for all.</param>
    /// <param name="mask">Which positions of x each one sees; null for those up to its own.</param>
    /// <exception cref="ArgumentException">The shapes or the masks do not fit.</exception>
    public Tensor Call(Tensor x, Tensor memory, AttentionMask? memoryMask = null, AttentionMask? mask = null)
    {
        using var scope = Open(x);
        x = attention.AddTo(x, norm1.Call(x), mask ?? causal, dropout);
        x = cross.AddTo(x, norm2.Call(x), memory, memoryMask, dropout);
        return scope.Return(mlp.AddTo(x, norm3.Call(x), dropout));
    }
}
