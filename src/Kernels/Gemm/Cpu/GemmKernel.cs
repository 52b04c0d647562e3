using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>
/// The register tile of the matrix product (Goto and van de Geijn 2008, Van Zee and van de Geijn 2015): <see cref="Rows"/> x two lanes of C
/// stay in registers while a sliver of A and a packed one of B stream past. 512-bit vectors have 32 registers, hence 12 rows; the others
/// use 6.
/// </summary>
/// <typeparam name="L">The vector lane.</typeparam>
internal static unsafe class GemmKernel<L> where L : struct, ISimd<L>
{
    /// <summary>Rows of the tile, the width of a sliver of A.</summary>
    public static int Rows => L.Count == 16 ? 12 : 6;

    /// <summary>Columns of the tile, the width of a sliver of B.</summary>
    public static int Columns => 2 * L.Count;

    /// <summary>
    /// c = alpha a b + beta c for one whole tile; with beta = 0, c is not read. a is packed or lies in the operand itself; b is (depth,
    /// Columns), packed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(int depth, in GemmLines a, float* b, float alpha, float beta, float* c, long ldc)
    {
        Prefetch(c, ldc);
        if (L.Count == 16) Twelve(depth, a.Data, (nint)a.Line, (nint)a.Step, b, alpha, beta, c, ldc);
        else Six(depth, a.Data, (nint)a.Line, (nint)a.Step, b, alpha, beta, c, ldc);
    }

    // The accumulators are named because the compiler keeps an array of them in memory.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Twelve(int depth, float* a, nint row, nint step, float* b, float alpha, float beta, float* c, long ldc)
    {
        L c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default, c30 = default, c31 = default;
        L c40 = default, c41 = default, c50 = default, c51 = default, c60 = default, c61 = default, c70 = default, c71 = default;
        L c80 = default, c81 = default, c90 = default, c91 = default, ca0 = default, ca1 = default, cb0 = default, cb1 = default;
        nint row2 = 2 * row, row3 = 3 * row;
        float* a4 = a + 4 * row, a8 = a + 8 * row, end = b + (long)depth * 2 * L.Count;
        for (; b < end; b += 2 * L.Count, a += step, a4 += step, a8 += step)
        {
            L b0 = L.Load(b), b1 = L.Load(b + L.Count), x;
            x = L.Broadcast(a); c00 = L.Fma(x, b0, c00); c01 = L.Fma(x, b1, c01);
            x = L.Broadcast(a + row); c10 = L.Fma(x, b0, c10); c11 = L.Fma(x, b1, c11);
            x = L.Broadcast(a + row2); c20 = L.Fma(x, b0, c20); c21 = L.Fma(x, b1, c21);
            x = L.Broadcast(a + row3); c30 = L.Fma(x, b0, c30); c31 = L.Fma(x, b1, c31);
            x = L.Broadcast(a4); c40 = L.Fma(x, b0, c40); c41 = L.Fma(x, b1, c41);
            x = L.Broadcast(a4 + row); c50 = L.Fma(x, b0, c50); c51 = L.Fma(x, b1, c51);
            x = L.Broadcast(a4 + row2); c60 = L.Fma(x, b0, c60); c61 = L.Fma(x, b1, c61);
            x = L.Broadcast(a4 + row3); c70 = L.Fma(x, b0, c70); c71 = L.Fma(x, b1, c71);
            x = L.Broadcast(a8); c80 = L.Fma(x, b0, c80); c81 = L.Fma(x, b1, c81);
            x = L.Broadcast(a8 + row); c90 = L.Fma(x, b0, c90); c91 = L.Fma(x, b1, c91);
            x = L.Broadcast(a8 + row2); ca0 = L.Fma(x, b0, ca0); ca1 = L.Fma(x, b1, ca1);
            x = L.Broadcast(a8 + row3); cb0 = L.Fma(x, b0, cb0); cb1 = L.Fma(x, b1, cb1);
        }

        Write(c, c00, c01, alpha, beta); Write(c += ldc, c10, c11, alpha, beta); Write(c += ldc, c20, c21, alpha, beta);
        Write(c += ldc, c30, c31, alpha, beta); Write(c += ldc, c40, c41, alpha, beta); Write(c += ldc, c50, c51, alpha, beta);
        Write(c += ldc, c60, c61, alpha, beta); Write(c += ldc, c70, c71, alpha, beta); Write(c += ldc, c80, c81, alpha, beta);
        Write(c += ldc, c90, c91, alpha, beta); Write(c += ldc, ca0, ca1, alpha, beta); Write(c + ldc, cb0, cb1, alpha, beta);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Six(int depth, float* a, nint row, nint step, float* b, float alpha, float beta, float* c, long ldc)
    {
        L c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        L c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        nint row2 = 2 * row, row3 = 3 * row, row4 = 4 * row, row5 = 5 * row;
        float* end = b + (long)depth * 2 * L.Count;
        for (; b < end; b += 2 * L.Count, a += step)
        {
            L b0 = L.Load(b), b1 = L.Load(b + L.Count), x;
            x = L.Broadcast(a); c00 = L.Fma(x, b0, c00); c01 = L.Fma(x, b1, c01);
            x = L.Broadcast(a + row); c10 = L.Fma(x, b0, c10); c11 = L.Fma(x, b1, c11);
            x = L.Broadcast(a + row2); c20 = L.Fma(x, b0, c20); c21 = L.Fma(x, b1, c21);
            x = L.Broadcast(a + row3); c30 = L.Fma(x, b0, c30); c31 = L.Fma(x, b1, c31);
            x = L.Broadcast(a + row4); c40 = L.Fma(x, b0, c40); c41 = L.Fma(x, b1, c41);
            x = L.Broadcast(a + row5); c50 = L.Fma(x, b0, c50); c51 = L.Fma(x, b1, c51);
        }

        Write(c, c00, c01, alpha, beta); Write(c += ldc, c10, c11, alpha, beta); Write(c += ldc, c20, c21, alpha, beta);
        Write(c += ldc, c30, c31, alpha, beta); Write(c += ldc, c40, c41, alpha, beta); Write(c + ldc, c50, c51, alpha, beta);
    }

    // C is fetched while the products are summed.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* c, long ldc)
    {
        if (!Sse.IsSupported) return;
        for (int i = 0; i < Rows; i++, c += ldc)
        {
            Sse.Prefetch0(c);
            Sse.Prefetch0(c + 2 * L.Count - 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(float* c, L x, L y, float alpha, float beta)
    {
        x *= L.Of(alpha);
        y *= L.Of(alpha);
        if (beta != 0f)
        {
            x = L.Fma(L.Of(beta), L.Load(c), x);
            y = L.Fma(L.Of(beta), L.Load(c + L.Count), y);
        }

        L.Store(c, x);
        L.Store(c + L.Count, y);
    }
}
