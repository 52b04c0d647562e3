using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// What happens to a block of C while it is in cache: a padded tile is merged in, and the last pass adds bias, activation and residual.
/// </summary>
/// <typeparam name="L">The vector lane.</typeparam>
/// <typeparam name="TAct">The activation.</typeparam>
internal static unsafe class GemmFinish<L, TAct> where L : struct, ISimd<L> where TAct : unmanaged, IMap1<TAct>
{
    /// <summary>True where <see cref="Apply"/> would change something.</summary>
    public static bool IsNeeded(in GemmProduct x) => typeof(TAct) != typeof(Identity) || x.HasExtras;

    /// <summary>
    /// C = tile + beta C for <paramref name="rows"/> x <paramref name="columns"/> of a tile whose rows are <paramref name="width"/> apart.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Merge(float* tile, int width, int rows, int columns, float beta, float* c, long ldc)
    {
        var scale = L.Of(beta);
        for (int i = 0; i < rows; i++, tile += width, c += ldc)
        {
            for (int j = 0; j < columns; j += L.Count)
            {
                int count = Math.Min(L.Count, columns - j);
                var x = L.Load(tile + j);
                if (count == L.Count) L.Store(c + j, beta == 0f ? x : L.Fma(scale, L.Load(c + j), x));
                else L.StorePart(c + j, beta == 0f ? x : L.Fma(scale, L.LoadPart(c + j, count), x), count);
            }
        }
    }

    /// <summary>C = act(C + bias) + residual for a block of C at (<paramref name="row"/>, <paramref name="column"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(TAct act, in GemmProduct x, int row, int column, int rows, int columns)
    {
        float* bias = x.Bias == null ? null : x.Bias + column;
        for (int i = row; i < row + rows; i++)
        {
            float* c = x.C + i * x.Ldc + column;
            long place = (long)i * x.N + column;
            float* before = x.Before == null ? null : x.Before + place, residual = x.Residual == null ? null : x.Residual + place;
            int j = 0;
            for (; j <= columns - L.Count; j += L.Count) Vector(act, c, bias, before, residual, j);
            if (j < columns) Part(act, c, bias, before, residual, j, columns - j);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Vector(TAct act, float* c, float* bias, float* before, float* residual, int j)
    {
        var x = L.Load(c + j);
        if (bias != null) x += L.Load(bias + j);
        if (before != null) L.Store(before + j, x);
        x = act.F(x);
        if (residual != null) x += L.Load(residual + j);
        L.Store(c + j, x);
    }

    private static void Part(TAct act, float* c, float* bias, float* before, float* residual, int j, int count)
    {
        var x = L.LoadPart(c + j, count);
        if (bias != null) x += L.LoadPart(bias + j, count);
        if (before != null) L.StorePart(before + j, x, count);
        x = act.F(x);
        if (residual != null) x += L.LoadPart(residual + j, count);
        L.StorePart(c + j, x, count);
    }
}
