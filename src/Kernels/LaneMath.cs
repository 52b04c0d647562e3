using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Elementary functions of single-precision lanes, written once. Largest relative errors, tested: exp 1.2e-7, log 2e-7, tanh and erf 4e-7.
/// Every width gives the same bits where the hardware has a fused multiply-add. Polynomials: Cephes (Moshier 1992) for exp, log and tanh.
/// </summary>
/// <typeparam name="V">The lane.</typeparam>
internal static class LaneMath<V> where V : struct, ISimd<V>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>e^a: infinity from 88.73 on, gradual underflow below -87.34, zero below -103.98.</summary>
    [MethodImpl(Inline)]
    public static V Exp(V a)
    {
        var x = V.MinNative(V.Of(89f), V.MaxNative(V.Of(-105f), a));
        var n = V.Round(x * V.Of(1.44269504f));
        var r = V.Fma(n, V.Of(-0.693359375f), x);
        r = V.Fma(n, V.Of(2.12194440e-4f), r);
        var p = V.Of(1.9875691500e-4f);
        p = V.Fma(p, r, V.Of(1.3981999507e-3f));
        p = V.Fma(p, r, V.Of(8.3334519073e-3f));
        p = V.Fma(p, r, V.Of(4.1665795894e-2f));
        p = V.Fma(p, r, V.Of(1.6666665459e-1f));
        p = V.Fma(p, r, V.Of(5.0000001201e-1f));
        p = V.Fma(p, r * r, r) + V.Of(1f);
        return V.Scale(p, n);
    }

    /// <summary>ln a, subnormal numbers included.</summary>
    [MethodImpl(Inline)]
    public static V Log(V a)
    {
        V tiny = V.Of(1.17549435e-38f);
        var x = V.Where(a, tiny, a * V.Of(8388608f), a);
        var n = V.Exponent(x) - V.Where(a, tiny, V.Of(23f), V.Of(0f));
        var m = V.Mantissa(x);
        V root = V.Of(1.41421356f);
        n = V.Where(root, m, n + V.Of(1f), n);
        m = V.Where(root, m, m * V.Of(0.5f), m) - V.Of(1f);
        return SpecialLog(a, FiniteLog(m, n));
    }

    /// <summary>tanh a: an odd polynomial below 0.625, 1 - 2 / (e^2a + 1) above.</summary>
    [MethodImpl(Inline)]
    public static V Tanh(V a)
    {
        var x = V.Abs(a);
        var large = V.Of(1f) - V.Of(2f) / (Exp(x + x) + V.Of(1f));
        var z = a * a;
        var p = V.Of(-5.70498872745e-3f);
        p = V.Fma(p, z, V.Of(2.06390887954e-2f));
        p = V.Fma(p, z, V.Of(-5.37397155531e-2f));
        p = V.Fma(p, z, V.Of(1.33314422036e-1f));
        p = V.Fma(p, z, V.Of(-3.33332819422e-1f));
        return V.CopySign(V.Where(x, V.Of(0.625f), V.Fma(p * z, x, x), large), a);
    }

    /// <summary>erf a: an odd polynomial below 0.9277, 1 - exp(polynomial) above.</summary>
    [MethodImpl(Inline)]
    public static V Erf(V a)
    {
        var x = V.Abs(a);
        var z = a * a;
        var large = V.Of(1f) - Exp(LogErfc(x, z));
        var p = V.Of(-5.96761703e-4f);
        p = V.Fma(p, z, V.Of(4.99119423e-3f));
        p = V.Fma(p, z, V.Of(-2.67681349e-2f));
        p = V.Fma(p, z, V.Of(1.12819925e-1f));
        p = V.Fma(p, z, V.Of(-3.76125336e-1f));
        p = V.Fma(p, z, V.Of(1.28379166e-1f));
        return V.CopySign(V.Where(x, V.Of(0.927734375f), V.Fma(p, x, x), large), a);
    }

    [MethodImpl(Inline)]
    private static V FiniteLog(V m, V n)
    {
        var z = m * m;
        var p = V.Of(7.0376836292e-2f);
        p = V.Fma(p, m, V.Of(-1.1514610310e-1f));
        p = V.Fma(p, m, V.Of(1.1676998740e-1f));
        p = V.Fma(p, m, V.Of(-1.2420140846e-1f));
        p = V.Fma(p, m, V.Of(1.4249322787e-1f));
        p = V.Fma(p, m, V.Of(-1.6668057665e-1f));
        p = V.Fma(p, m, V.Of(2.0000714765e-1f));
        p = V.Fma(p, m, V.Of(-2.4999993993e-1f));
        p = V.Fma(p, m, V.Of(3.3333331174e-1f));
        p = V.Fma(n, V.Of(-2.12194440e-4f), p * m * z);
        p = V.Fma(z, V.Of(-0.5f), p);
        return V.Fma(n, V.Of(0.693359375f), m + p);
    }

    [MethodImpl(Inline)]
    private static V SpecialLog(V a, V finite)
    {
        V zero = V.Of(0f), infinity = V.Of(float.PositiveInfinity);
        var notPositive = V.WhereEqual(a, zero, V.Of(float.NegativeInfinity), V.Of(float.NaN));
        return V.Where(zero, a, V.WhereEqual(a, infinity, infinity, finite), notPositive);
    }

    [MethodImpl(Inline)]
    private static V LogErfc(V x, V z)
    {
        var r = V.Fma(V.Of(-1.72853470e-5f), x, V.Of(3.83197126e-4f));
        var u = V.Fma(V.Of(-3.88396438e-3f), x, V.Of(2.42546219e-2f));
        r = V.Fma(r, z, u);
        r = V.Fma(r, x, V.Of(-1.06777877e-1f));
        r = V.Fma(r, x, V.Of(-6.34846687e-1f));
        r = V.Fma(r, x, V.Of(-1.28717512e-1f));
        return V.Fma(r, x, -x);
    }
}
