using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mayfly;

/// <summary>Sums of squares in double precision over fixed chunks.</summary>
internal readonly unsafe struct SumSquaresJob(in Walk walk, double* totals) : IJob
{
    public const int ChunkSize = 16384;
    private readonly Walk walk = walk;

    /// <inheritdoc/>
    public void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        long at = (long)chunk * ChunkSize, end = Math.Min(at + ChunkSize, walk.Count);
        long stride = walk.Stride(0, walk.Rank - 1);
        double total = 0;
        walk.Find(at, index);
        while (at < end)
        {
            long n = Math.Min(walk.Inner - index[walk.Rank - 1], end - at);
            total += Segment((float*)walk.Base(0) + walk.Place(0, index), stride, n);
            walk.Advance(index, n);
            at += n;
        }

        totals[chunk] = total;
    }

    private static double Segment(float* x, long stride, long n) => stride == 1 ? Dense(x, n) : Sparse(x, stride, n);

    /// <summary>The square of a float is exact in double precision, so that fusing changes nothing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dense(float* x, long n)
    {
        Vector256<double> a = default, b = default, c = default, d = default;
        for (; n >= 16; n -= 16, x += 16)
        {
            var (x0, x1) = Vector256.Widen(Vector256.Load(x));
            var (x2, x3) = Vector256.Widen(Vector256.Load(x + 8));
            a = Vector256.FusedMultiplyAdd(x0, x0, a);
            b = Vector256.FusedMultiplyAdd(x1, x1, b);
            c = Vector256.FusedMultiplyAdd(x2, x2, c);
            d = Vector256.FusedMultiplyAdd(x3, x3, d);
        }

        return Vector256.Sum(a + b + (c + d)) + Sparse(x, 1, n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Sparse(float* x, long stride, long n)
    {
        double total = 0;
        for (long i = 0; i < n; i++) total += (double)x[i * stride] * x[i * stride];
        return total;
    }
}
