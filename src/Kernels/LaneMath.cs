using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Elementary functions of single-precision lanes, written once.</summary>
/// <typeparam name="V">The lane.</typeparam>
internal static class LaneMath<V> where V : struct, ISimd<V>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    public static V Exp(V a)
    {
        var x = V.Min(V.Max(a, V.Of(-87.3f)), V.Of(88.3f));
        var n = V.Round(x * V.Of(1.44269504f));
        var r = V.Fma(n, V.Of(-0.693359375f), x);
        r = V.Fma(n, V.Of(2.12194440e-4f), r);
        var p = V.Of(1.9875691500e-4f);
        p = V.Fma(p, r, V.Of(1.3981999507e-3f));
        p = V.Fma(p, r, V.Of(8.3334519073e-3f));
        p = V.Fma(p, r, V.Of(4.1665795894e-2f));
        p = V.Fma(p, r, V.Of(1.6666665459e-1f));
        p = V.Fma(p, r, V.Of(5.0000001201e-1f));
        p = V.Fma(p, r * r, r + V.Of(1f));
        return V.Scale(p, n);
    }

    [MethodImpl(Inline)] public static V Log(V a) => throw new NotSupportedException();

    [MethodImpl(Inline)] public static V Tanh(V a) => V.Of(1f) - V.Of(2f) / (Exp(a + a) + V.Of(1f));

    [MethodImpl(Inline)] public static V Erf(V a) => throw new NotSupportedException();
}
