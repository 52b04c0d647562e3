namespace Mayfly;

/// <summary>
/// Fills initial values of a parameter, a part at a time, so that a large one is never in memory twice. Parts must not depend on how it is
/// cut.
/// </summary>
/// <param name="values">Elements in row-major order.</param>
/// <param name="first">The number of the first of them, a multiple of 4.</param>
/// <param name="shape">The parameter's shape.</param>
/// <param name="key">What the random numbers depend on.</param>
public delegate void Initializer(Span<float> values, long first, Shape shape, RandomKey key);

/// <summary>The standard initialisations. A weight of shape (out, in, ...) has fan-in in x ... and fan-out out x ...</summary>
public static class Init
{
    /// <summary>All zeros.</summary>
    public static Initializer Zeros { get; } = Constant(0);

    /// <summary>All ones.</summary>
    public static Initializer Ones { get; } = Constant(1);

    /// <summary>One value everywhere.</summary>
    public static Initializer Constant(double value) => (values, _, _, _) => values.Fill((float)value);

    /// <summary>Normally distributed. GPT-2 (Radford et al. 2019) takes a deviation of 0.02.</summary>
    public static Initializer Normal(double deviation, double mean = 0) =>
        (values, first, _, key) => Rng.FillNormal(values, mean, deviation, key, first);

    /// <summary>Uniform in [low, high).</summary>
    public static Initializer Uniform(double low, double high) =>
        (values, first, _, key) => Rng.FillUniform(values, low, high, key, first);

    /// <summary>Glorot and Bengio 2010: normal with variance gain² 2 / (fan-in + fan-out).</summary>
    public static Initializer XavierNormal(double gain = 1) => Scaled(f => gain * Math.Sqrt(2.0 / (f.In + f.Out)), uniform: false);

    /// <summary>Glorot and Bengio 2010: uniform with variance gain² 2 / (fan-in + fan-out).</summary>
    public static Initializer XavierUniform(double gain = 1) => Scaled(f => gain * Math.Sqrt(2.0 / (f.In + f.Out)), uniform: true);

    /// <summary>He et al. 2015: normal with variance gain² / fan-in; the gain for ReLU, the root of 2, is the default.</summary>
    public static Initializer KaimingNormal(double gain = 1.4142135623730951) => Scaled(f => gain / Math.Sqrt(f.In), uniform: false);

    /// <summary>He et al. 2015: uniform with variance gain² / fan-in; the gain for ReLU, the root of 2, is the default.</summary>
    public static Initializer KaimingUniform(double gain = 1.4142135623730951) => Scaled(f => gain / Math.Sqrt(f.In), uniform: true);

    private static Initializer Scaled(Func<(double In, double Out), double> deviation, bool uniform) => (values, first, shape, key) =>
    {
        double sigma = deviation(Fans(shape));
        double bound = Math.Sqrt(3) * sigma;
        if (uniform) Rng.FillUniform(values, -bound, bound, key, first);
        else Rng.FillNormal(values, 0, sigma, key, first);
    };

    private static (double In, double Out) Fans(Shape shape)
    {
        if (shape.Rank < 2)
            throw new ArgumentException($"Init: shape {shape} has no fan-in and fan-out; use Normal, Uniform or Constant for vectors.");
        double field = shape.Skip(2).Count;
        return (shape[1] * field, shape[0] * field);
    }
}
