namespace Mayfly;

/// <summary>
/// A transformer block in which positions see each other in both directions, as in BERT (Devlin et al. 2019), with the norms in front of
/// the branches (Xiong et al. 2020): x + Dropout(attention(norm1(x))), then x + Dropout(mlp(norm2(x))).
/// </summary>
public sealed class EncoderBlock : Module
{
    private readonly LayerNorm norm1, norm2;
    private readonly Attention attention;
    private readonly Mlp mlp;
    private readonly float dropout;

    /// <summary>New <c>norm1</c>, <c>attention</c>, <c>norm2</c> and <c>mlp</c>.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="heads">The number of attention heads.</param>
    /// <param name="hidden">The size between the layers of the feed-forward part; 0 takes 4 C.</param>
    /// <param name="dropout">The part of both branches' elements that training sets to zero.</param>
    /// <param name="rotation">How queries and keys turn with their position; null where they do not.</param>
    /// <exception cref="ArgumentException">The heads do not divide the width.</exception>
    public EncoderBlock(ParameterSource source, int width, int heads, int hidden = 0, float dropout = 0, Rotation? rotation = null)
    {
        this.dropout = dropout;
        norm1 = Add("norm1", new LayerNorm(source, width));
        attention = Add("attention", new Attention(source, width, heads, rotation: rotation));
        norm2 = Add("norm2", new LayerNorm(source, width));
        mlp = Add("mlp", new Mlp(source, width, hidden));
    }

    /// <summary>x (B, T, C) -> (B, T, C).</summary>
    /// <param name="x">(B, T, C).</param>
    /// <param name="mask">Which positions each one sees, such as the <see cref="AttentionMask.Lengths"/> of padded rows.</param>
    /// <exception cref="ArgumentException">The mask does not fit.</exception>
    public Tensor Call(Tensor x, AttentionMask mask)
    {
        using var scope = Open(x);
        return scope.Return(Run(x, mask));
    }

    /// <summary>All positions see each other: x (B, T, C) -> (B, T, C).</summary>
    protected override Tensor Forward(Tensor x) => Run(x, new AttentionMask());

    private Tensor Run(Tensor x, AttentionMask mask)
    {
        x = attention.AddTo(x, norm1.Call(x), mask, dropout);
        return mlp.AddTo(x, norm2.Call(x), dropout);
    }
}
