namespace Mayfly;

/// <summary>RMS normalisation (Zhang and Sennrich 2019) over the last axis, with a learned gain.</summary>
public sealed class RmsNorm : Module
{
    private readonly double epsilon;

    /// <summary>A new <c>gain</c> (C) of ones.</summary>
    /// <param name="source">Makes the parameter.</param>
    /// <param name="width">C, the size of the last axis.</param>
    /// <param name="epsilon">Added to the mean of squares.</param>
    /// <exception cref="ArgumentException">A width below 1.</exception>
    public RmsNorm(ParameterSource source, int width, double epsilon = 1e-5)
    {
        this.epsilon = epsilon;
        Gain = Add(source.New("gain", width, Role.Gain, Init.Ones));
    }

    /// <summary>(C).</summary>
    public Parameter Gain { get; }

    /// <summary>x (..., C) -> (..., C).</summary>
    protected override Tensor Forward(Tensor x) => x.RmsNorm(Gain.Value, epsilon);
}
