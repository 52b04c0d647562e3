using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>y = x across element types and strides, or y += x, one element at a time.</summary>
internal readonly unsafe struct ConvertJob<TFrom, TTo>(bool add, in Walk walk) : IJob
    where TFrom : unmanaged, INumber<TFrom> where TTo : unmanaged, INumber<TTo>
{
    private const int ChunkSize = 16384;
    private readonly Walk walk = walk;

    public static void Run(Workers workers, bool add, in Walk walk)
    {
        var job = new ConvertJob<TFrom, TTo>(add, walk);
        workers.Run(ref job, (int)((walk.Count + ChunkSize - 1) / ChunkSize));
    }

    public void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        long at = (long)chunk * ChunkSize, end = Math.Min(at + ChunkSize, walk.Count);
        walk.Find(at, index);
        while (at < end)
        {
            long n = Math.Min(walk.Inner - index[walk.Rank - 1], end - at);
            Segment((TFrom*)walk.Base(0) + walk.Place(0, index), (TTo*)walk.Base(1) + walk.Place(1, index), n);
            walk.Advance(index, n);
            at += n;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Segment(TFrom* x, TTo* y, long n)
    {
        long stepX = walk.Stride(0, walk.Rank - 1), stepY = walk.Stride(1, walk.Rank - 1);
        for (long i = 0; i < n; i++)
        {
            var value = TTo.CreateTruncating(x[i * stepX]);
            y[i * stepY] = add ? y[i * stepY] + value : value;
        }
    }
}

/// <summary>y = value for doubles.</summary>
internal readonly unsafe struct FillJob(double value, in Walk walk) : IJob
{
    private const int ChunkSize = 16384;
    private readonly Walk walk = walk;

    public static void Run(Workers workers, double value, in Walk walk)
    {
        var job = new FillJob(value, walk);
        workers.Run(ref job, (int)((walk.Count + ChunkSize - 1) / ChunkSize));
    }

    public void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        long at = (long)chunk * ChunkSize, end = Math.Min(at + ChunkSize, walk.Count);
        walk.Find(at, index);
        for (; at < end; at++)
        {
            ((double*)walk.Base(0))[walk.Place(0, index)] = value;
            walk.Advance(index, 1);
        }
    }
}
