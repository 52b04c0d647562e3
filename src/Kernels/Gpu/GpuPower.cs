using ILGPU;
using ILGPU.Algorithms;

namespace Mayfly;

/// <summary>
/// c x^p in single precision alone: the logarithm and its product with p are kept in two floats each. Products that must be exact are of
/// factors of twelve bits, so that it does not matter whether a compiler fuses them with sums.
/// </summary>
internal static class GpuPower
{
    private const float Smallest = 1.17549435e-38f, LogTwo = 0.693145751953125f, LogTwoRest = 1.42860682e-6f;

    /// <summary>The power of x, which is not below zero.</summary>
    public static float Of(float x, in Power power)
    {
        float high = power.ExponentSingle, size = Finite(x, power);
        float most = power.FactorSingle * float.PositiveInfinity, atZero = high > 0f ? 0f : most, atInfinity = high > 0f ? most : 0f;
        size = x == 0f ? atZero : size;
        size = x == float.PositiveInfinity ? atInfinity : size;
        return XMath.IsNaN(x) ? x : size;
    }

    private static float Finite(float x, in Power power)
    {
        float exponent = power.ExponentSingle, factor = power.FactorSingle;
        float log = Log(x, out float logRest), product = log * exponent;
        float a = Top(log), b = log - a, c = Top(exponent), d = exponent - c;
        float rest = a * d + b * c + (b * d + logRest * exponent + log * power.ExponentRest);
        float size = Exp(a * c, rest, product, factor);
        size = product > 100f ? factor * float.PositiveInfinity : size;
        return product < -110f ? 0f : size;
    }

    /// <summary>
    /// log x of positive x = 2^n m: n log 2 + 2 atanh(s) of s = (m - 1) / (m + 1), whose first two terms are taken to 36 bits.
    /// </summary>
    private static float Log(float x, out float rest)
    {
        int shift = x < Smallest ? 23 : 0, bits = (int)Interop.FloatAsInt(x < Smallest ? x * 8388608f : x);
        float m = Interop.IntAsFloat((uint)((bits & 0x007FFFFF) | 0x3F800000));
        int n = (bits >> 23) - 127 - shift + (m > 1.41421356f ? 1 : 0);
        m = m > 1.41421356f ? m * 0.5f : m;
        float s = Quotient(m, out float sRest), top = Top(s), low = s - top;
        float square = Top(s * s), squareRest = top * top - square + (2f * top * low + low * low);
        float cube = Top(top * square), cubeRest = top * square - cube + (low * square + s * squareRest);
        // 2/3 = 0.66650390625 + 1.6276042e-4
        float third = cube * 0.66650390625f, thirdRest = cube * 1.6276042e-4f + cubeRest * 0.66666669f;
        float z = s * s, tail = s * z * z * (0.4f + z * (0.285714286f + z * (0.222222222f + z * 0.181818182f)));
        float whole = n * LogTwo, sum = whole + 2f * s, lost = whole - sum + 2f * s;
        float total = sum + third;
        rest = sum - total + third + (lost + (2f * (sRest + z * sRest) + thirdRest + tail + n * LogTwoRest));
        return total;
    }

    /// <summary>(m - 1) / (m + 1), and what the quotient lacks.</summary>
    private static float Quotient(float m, out float rest)
    {
        float f = m - 1f, d = m + 1f, dRest = m - (d - 1f), s = f / d;
        float sTop = Top(s), sLow = s - sTop, dTop = Top(d), dLow = d - dTop;
        rest = (f - sTop * dTop - sTop * dLow - sLow * dTop - sLow * dLow - s * dRest) / d;
        return s;
    }

    /// <summary>factor exp(x + rest), where <paramref name="near"/> is x + rest in one float.</summary>
    private static float Exp(float x, float rest, float near, float factor)
    {
        float bounded = XMath.Min(XMath.Max(near, -120f), 110f), n = G1.Round(new G1(bounded * 1.44269504f)).Value;
        float r = x - n * LogTwo - n * LogTwoRest + rest;
        float p = 1.9875691500e-4f;
        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        int exponent = (int)n, half = exponent / 2;
        float linear = 1f + r, lost = 1f - linear + r;
        return factor * (linear + (p * (r * r) + lost)) * TwoTo(half) * TwoTo(exponent - half);
    }

    /// <summary>The number's first twelve bits.</summary>
    private static float Top(float x) => Interop.IntAsFloat(Interop.FloatAsInt(x) & 0xFFFFF000u);

    private static float TwoTo(int n) => Interop.IntAsFloat((uint)((n + 127) << 23));
}
