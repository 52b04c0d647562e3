using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Sine and cosine of single-precision lanes. Largest error, tested: 1.5e-7 of the value, also beside multiples of pi. Every width gives
/// the same bits where the hardware has a fused multiply-add. Polynomials: Cephes (Moshier 1992); angles of more than 1e5 go through
/// double precision.
/// </summary>
/// <typeparam name="V">The lane.</typeparam>
internal static unsafe class CircleMath<V> where V : struct, ISimd<V>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private const float Limit = 1e5f;

    /// <summary>sin a; that of a zero has its sign.</summary>
    [MethodImpl(Inline)]
    public static V Sin(V a)
    {
        var y = V.WhereEqual(a, V.Of(0f), a, Turned(a, V.Of(0f)));
        return V.Largest(V.Abs(a)) <= Limit ? y : Far(a, y, isCosine: false);
    }

    /// <summary>cos a.</summary>
    [MethodImpl(Inline)]
    public static V Cos(V a)
    {
        var y = Turned(a, V.Of(1f));
        return V.Largest(V.Abs(a)) <= Limit ? y : Far(a, y, isCosine: true);
    }

    /// <summary>sin(a + turn pi / 2), for a turn of 0 or 1: a is brought into [-pi / 4, pi / 4] by pi / 2 in three parts.</summary>
    [MethodImpl(Inline)]
    private static V Turned(V a, V turn)
    {
        var n = V.Round(a * V.Of(0.636619772f));
        var r = V.Fma(n, V.Of(-1.57079637f), a);
        r = V.Fma(n, V.Of(4.37113883e-8f), r);
        r = V.Fma(n, V.Of(1.71512451e-15f), r);
        var quarter = n - V.Of(4f) * V.Round(n * V.Of(0.25f)) + turn; // -2 to 3, of four quarters of the circle
        var size = V.Abs(quarter);
        var z = r * r;
        var y = V.WhereEqual(size, V.Of(1f), Even(z), V.WhereEqual(size, V.Of(3f), Even(z), Odd(r, z)));
        return V.Where(quarter, V.Of(0f), -y, V.Where(V.Of(1f), quarter, -y, y));
    }

    /// <summary>The sine of a small angle r, with z = r^2.</summary>
    [MethodImpl(Inline)]
    private static V Odd(V r, V z)
    {
        var p = V.Of(-1.9515295891e-4f);
        p = V.Fma(p, z, V.Of(8.3321608736e-3f));
        p = V.Fma(p, z, V.Of(-1.6666654611e-1f));
        return V.Fma(p * z, r, r);
    }

    /// <summary>The cosine of a small angle, from its square.</summary>
    [MethodImpl(Inline)]
    private static V Even(V z)
    {
        var p = V.Of(2.443315711809948e-5f);
        p = V.Fma(p, z, V.Of(-1.388731625493765e-3f));
        p = V.Fma(p, z, V.Of(4.166664568298827e-2f));
        return V.Fma(p * z, z, V.Fma(V.Of(-0.5f), z, V.Of(1f)));
    }

    /// <summary>The elements of more than the limit, and NaN, one by one.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V Far(V a, V near, bool isCosine)
    {
        float* x = stackalloc float[16], y = stackalloc float[16];
        V.Store(x, a);
        V.Store(y, near);
        for (int i = 0; i < V.Count; i++)
            if (!(Math.Abs(x[i]) <= Limit)) y[i] = (float)(isCosine ? Math.Cos(x[i]) : Math.Sin(x[i]));
        return V.Load(y);
    }
}
