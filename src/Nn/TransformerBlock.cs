namespace Mayfly;

/// <summary>
/// A transformer block with the norms in front of its branches (GPT-2; Xiong et al. 2020): x + Dropout(attention(norm1(x))), then
/// x + Dropout(mlp(norm2(x))).
/// </summary>
public sealed class TransformerBlock : Module
{
    private readonly Module norm1, attention, norm2, mlp;
    private readonly float dropout;

    /// <summary>A block of four parts, each (B, T, C) -> (B, T, C).</summary>
    /// <param name="norm1">Stands before the attention.</param>
    /// <param name="attention">Mixes positions.</param>
    /// <param name="norm2">Stands before the feed-forward part.</param>
    /// <param name="mlp">Works on each position by itself.</param>
    /// <param name="dropout">The part of both branches' elements that training sets to zero.</param>
    public TransformerBlock(Module norm1, Module attention, Module norm2, Module mlp, float dropout = 0)
    {
        this.dropout = dropout;
        this.norm1 = Add("norm1", norm1);
        this.attention = Add("attention", attention);
        this.norm2 = Add("norm2", norm2);
        this.mlp = Add("mlp", mlp);
    }

    /// <summary>x (B, T, C) -> (B, T, C).</summary>
    protected override Tensor Forward(Tensor x)
    {
        x = attention.AddTo(x, norm1.Call(x), dropout);
        return mlp.AddTo(x, norm2.Call(x), dropout);
    }
}
