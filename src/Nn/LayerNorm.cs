namespace Mayfly;

/// <summary>
/// Layer normalisation (Ba, Kiros, Hinton 2016) over the last axis, with a learned gain and, unless it has none, a learned bias.
/// </summary>
public sealed class LayerNorm : Module
{
    private readonly double epsilon;

    /// <summary>New <c>gain</c> (C) of ones and <c>bias</c> (C) of zeros.</summary>
    /// <param name="source">Makes the parameters.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="bias">Whether there is a bias.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <exception cref="ArgumentException">A width below 1.</exception>
    public LayerNorm(ParameterSource source, int width, bool bias = true, double epsilon = 1e-5)
    {
        this.epsilon = epsilon;
        Gain = Add(source.New("gain", width, Role.Gain, Init.Ones));
        Bias = bias ? Add(source.New("bias", width, Role.Bias, Init.Zeros)) : null;
    }

    /// <summary>(C).</summary>
    public Parameter Gain { get; }

    /// <summary>(C), or null.</summary>
    public Parameter? Bias { get; }

    /// <summary>x (..., C) -> (..., C).</summary>
    protected override Tensor Forward(Tensor x) => x.LayerNorm(Gain.Value, Bias?.Value, epsilon);
}
