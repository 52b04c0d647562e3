using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>What an elementwise loop does with one lane of each operand.</summary>
internal unsafe interface ILoop
{
    /// <summary>How many of the five operands are used.</summary>
    static abstract int Operands { get; }

    /// <summary>Which operands are written: bit k for operand k.</summary>
    static abstract int Written { get; }

    /// <summary>Reads a lane at each read operand, writes a lane at each written one.</summary>
    void Lane(float* p0, float* p1, float* p2, float* p3, float* p4);
}

/// <summary>
/// An elementwise loop over operands of any strides. Dense and repeated operands are read where they lie; others are gathered into a block
/// of 256 elements, so that every element passes the vector lane.
/// </summary>
internal unsafe struct MapJob<L, TLoop>(TLoop loop, in Walk walk) : IJob where L : struct, ISimd<L> where TLoop : struct, ILoop
{
    private const int ChunkSize = 16384, BlockSize = 256, ShortAxis = 64, MaxLane = 16;
    private readonly Walk walk = walk;
    private readonly bool direct = IsDirect(walk);

    /// <summary>Runs the loop over all elements.</summary>
    public static void Run(Workers workers, TLoop loop, in Walk walk)
    {
        if (walk.Count == 0) return;
        var job = new MapJob<L, TLoop>(loop, walk);
        workers.Run(ref job, (int)((walk.Count + ChunkSize - 1) / ChunkSize));
    }

    /// <inheritdoc/>
    public readonly void Run(int chunk)
    {
        long start = (long)chunk * ChunkSize, end = Math.Min(start + ChunkSize, walk.Count);
        if (direct) RunDirect(start, end);
        else RunGathered(start, end);
    }

    private static bool IsDirect(in Walk walk)
    {
        if (walk.Rank > 1 && walk.Inner < ShortAxis) return false;
        for (int k = 0; k < TLoop.Operands; k++)
            if (walk.Stride(k, walk.Rank - 1) is not (0 or 1)) return false;
        return true;
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunDirect(long start, long end)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* repeated = stackalloc float[Walk.MaxOperands * MaxLane];
        float** p = stackalloc float*[Walk.MaxOperands];
        long* step = stackalloc long[Walk.MaxOperands];
        walk.Find(start, index);
        while (start < end)
        {
            long n = Math.Min(walk.Inner - index[walk.Rank - 1], end - start);
            for (int k = 0; k < TLoop.Operands; k++)
            {
                p[k] = Place(k, index);
                step[k] = walk.Stride(k, walk.Rank - 1) * L.Count;
                if (step[k] == 0 && p[k] != null) p[k] = Repeat(*p[k], repeated + k * MaxLane);
            }

            Lanes(p, step, n);
            walk.Advance(index, n);
            start += n;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void RunGathered(long start, long end)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* block = stackalloc float[Walk.MaxOperands * BlockSize];
        float** p = stackalloc float*[Walk.MaxOperands];
        long* step = stackalloc long[Walk.MaxOperands];
        for (; start < end; start += BlockSize)
        {
            int n = (int)Math.Min(BlockSize, end - start);
            for (int k = 0; k < TLoop.Operands; k++)
            {
                step[k] = walk.Base(k) == null ? 0 : L.Count;
                p[k] = walk.Base(k) == null ? null : walk.IsDense(k) ? (float*)walk.Base(k) + start : block + k * BlockSize;
                if (p[k] == block + k * BlockSize) Gather(k, start, n, p[k], index);
            }

            Lanes(p, step, n);
            for (int k = 0; k < TLoop.Operands; k++)
                if ((TLoop.Written >> k & 1) != 0 && p[k] == block + k * BlockSize) Scatter(k, start, n, p[k], index);
        }
    }

    private readonly float* Place(int k, long* index) => walk.Base(k) == null ? null : (float*)walk.Base(k) + walk.Place(k, index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Repeat(float value, float* lane)
    {
        for (int i = 0; i < L.Count; i++) lane[i] = value;
        return lane;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal readonly void Gather(int k, long start, int n, float* to, long* index)
    {
        long stride = walk.Stride(k, walk.Rank - 1);
        walk.Find(start, index);
        for (int i = 0; i < n;)
        {
            float* from = Place(k, index);
            int run = (int)Math.Min(walk.Inner - index[walk.Rank - 1], n - i);
            for (int j = 0; j < run; j++) to[i++] = from[j * stride];
            walk.Advance(index, run);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal readonly void Scatter(int k, long start, int n, float* from, long* index)
    {
        long stride = walk.Stride(k, walk.Rank - 1);
        walk.Find(start, index);
        for (int i = 0; i < n;)
        {
            float* to = Place(k, index);
            int run = (int)Math.Min(walk.Inner - index[walk.Rank - 1], n - i);
            for (int j = 0; j < run; j++) to[j * stride] = from[i++];
            walk.Advance(index, run);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal readonly void Lanes(float** p, long* step, long n)
    {
        var body = loop;
        float* p0 = p[0], p1 = p[1], p2 = p[2], p3 = p[3], p4 = p[4];
        long s0 = step[0], s1 = step[1], s2 = step[2], s3 = step[3], s4 = step[4];
        for (; n >= L.Count; n -= L.Count)
        {
            body.Lane(p0, p1, p2, p3, p4);
            p0 += s0;
            if (TLoop.Operands > 1) p1 += s1;
            if (TLoop.Operands > 2) p2 += s2;
            if (TLoop.Operands > 3) p3 += s3;
            if (TLoop.Operands > 4) p4 += s4;
        }

        if (n > 0) Tail((int)n, p0, p1, p2, p3, p4);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Tail(int n, float* p0, float* p1, float* p2, float* p3, float* p4)
    {
        float* padded = stackalloc float[Walk.MaxOperands * MaxLane];
        float** p = stackalloc float*[Walk.MaxOperands] { p0, p1, p2, p3, p4 };
        for (int k = 0; k < TLoop.Operands; k++)
            for (int i = 0; i < L.Count && p[k] != null; i++) padded[k * MaxLane + i] = i < n ? p[k][i] : 0f;
        loop.Lane(padded, padded + MaxLane, padded + 2 * MaxLane, padded + 3 * MaxLane, padded + 4 * MaxLane);
        for (int k = 0; k < TLoop.Operands; k++)
            for (int i = 0; i < n && p[k] != null && (TLoop.Written >> k & 1) != 0; i++) p[k][i] = padded[k * MaxLane + i];
    }
}
