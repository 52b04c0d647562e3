using ILGPU.Algorithms;

namespace Mayfly;

/// <summary>
/// Sine and cosine of a GPU thread's number by Cephes' polynomials (Moshier): the hardware's own have an absolute error of 2^-21. Angles of
/// more than 8192 go to the device's function, as the three parts of pi / 2 are exact that far without a fused multiply-add.
/// </summary>
internal static class GpuCircle
{
    private const float Limit = 8192f;

    /// <summary>sin x; that of a zero has its sign.</summary>
    public static float Sin(float x)
    {
        float near = Turned(x, 0f), far = XMath.Sin(x);
        float y = XMath.Abs(x) <= Limit ? near : far;
        return x == 0f ? x : y;
    }

    /// <summary>cos x.</summary>
    public static float Cos(float x)
    {
        float near = Turned(x, 1f), far = XMath.Cos(x);
        return XMath.Abs(x) <= Limit ? near : far;
    }

    /// <summary>sin(x + turn pi / 2), for a turn of 0 or 1.</summary>
    private static float Turned(float x, float turn)
    {
        float n = x * 0.636619772f + 12582912f - 12582912f;
        float r = x - n * 1.5703125f - n * 4.837512969970703125e-4f - n * 7.549789948768648e-8f;
        float quarter = n - 4f * (n * 0.25f + 12582912f - 12582912f) + turn, size = XMath.Abs(quarter); // -2 to 3
        float z = r * r;
        float odd = r + r * z * ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f);
        float even = 1f - 0.5f * z + z * z * ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f);
        float y = size == 1f | size == 3f ? even : odd;
        return quarter < 0f | quarter > 1f ? -y : y;
    }
}
