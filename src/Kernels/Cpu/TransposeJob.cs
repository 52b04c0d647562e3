using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// A copy of 4-byte elements where x is dense along another axis than y: tiles of 16 x 16 pass through a buffer, so that each cache line of
/// either side is touched once.
/// </summary>
internal readonly unsafe struct TransposeJob(in Walk walk, int axis) : IJob
{
    private const int Tile = 16, Strip = 64;
    private readonly Walk walk = walk;

    /// <summary>True for a walk of (x, y) that this job copies; <paramref name="axis"/> is the axis along which x is dense.</summary>
    public static bool Fits(in Walk walk, out int axis)
    {
        int inner = walk.Rank - 1;
        axis = 0;
        if (walk.Count == 0 || walk.Stride(1, inner) != 1 || walk.Inner < Tile) return false;
        while (axis < inner && (walk.Stride(0, axis) != 1 || walk.Size(axis) < Tile)) axis++;
        return axis < inner;
    }

    public static void Run(Workers workers, in Walk walk, int axis)
    {
        var job = new TransposeJob(walk, axis);
        workers.Run(ref job, (int)(walk.Count / walk.Inner / walk.Size(axis) * job.Strips));
    }

    private long Strips => (walk.Size(axis) + Strip - 1) / Strip;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int chunk)
    {
        float* buffer = stackalloc float[Tile * Tile];
        float* x = (float*)walk.Base(0), y = (float*)walk.Base(1);
        Move(chunk / Strips, ref x, ref y);
        long from = chunk % Strips * Strip, to = Math.Min(from + Strip, walk.Size(axis));
        long stepX = walk.Stride(0, walk.Rank - 1), stepY = walk.Stride(1, axis);
        for (long j = 0; j < walk.Inner; j += Tile)
            for (long i = from; i < to; i += Tile)
                Turn(x + i + j * stepX, stepX, y + i * stepY + j, stepY, (int)Math.Min(Tile, to - i), (int)Math.Min(Tile, walk.Inner - j),
                    buffer);
    }

    private void Move(long outer, ref float* x, ref float* y)
    {
        for (int k = walk.Rank - 2; k >= 0; k--)
        {
            if (k == axis) continue;
            long i = outer % walk.Size(k);
            outer /= walk.Size(k);
            x += i * walk.Stride(0, k);
            y += i * walk.Stride(1, k);
        }
    }

    /// <summary>y[i, j] = x[j, i] for a tile; a row of either is dense.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Turn(float* x, long stepX, float* y, long stepY, int rows, int columns, float* buffer)
    {
        for (int j = 0; j < columns; j++, x += stepX) Unsafe.CopyBlockUnaligned(buffer + j * Tile, x, (uint)rows * sizeof(float));
        for (int i = 0; i < rows; i++, y += stepY)
            for (int j = 0; j < columns; j++) y[j] = buffer[j * Tile + i];
    }
}
