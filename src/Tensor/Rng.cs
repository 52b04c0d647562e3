namespace Mayfly;

/// <summary>Random numbers that depend on a key and an index alone.</summary>
public static class Rng
{
    /// <summary>
    /// Fills with numbers uniform in [low, high), from number <paramref name="first"/> of the sequence on, a multiple of 4.
    /// </summary>
    public static void FillUniform(Span<float> values, double low, double high, RandomKey key, long first = 0)
    {
        Philox.Units(key, values, first);
        foreach (ref float x in values) x = (float)(low + (high - low) * x);
    }

    /// <summary>
    /// Fills with normally distributed numbers (Box and Muller 1958), two for each pair of 32-bit draws, from number
    /// <paramref name="first"/> of the sequence on, a multiple of 4.
    /// </summary>
    public static void FillNormal(Span<float> values, double mean, double deviation, RandomKey key, long first = 0)
    {
        for (int i = 0; i < values.Length; i += 4)
        {
            var (a, b, c, d) = Philox.Block(key, (ulong)(first + i >> 2));
            var (x, y) = Pair(a, b);
            var (z, w) = Pair(c, d);
            Span<double> draws = [x, y, z, w];
            for (int k = 0; k < 4 && i + k < values.Length; k++) values[i + k] = (float)(mean + deviation * draws[k]);
        }
    }

    private static (double X, double Y) Pair(uint a, uint b)
    {
        double radius = Math.Sqrt(-2 * Math.Log((a + 1.0) / 4294967296.0)), angle = 2 * Math.PI * (b / 4294967296.0);
        return (radius * Math.Cos(angle), radius * Math.Sin(angle));
    }
}
