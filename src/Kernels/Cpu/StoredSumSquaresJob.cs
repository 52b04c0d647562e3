using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Sums of squares of elements of a type that is storage only: those that <see cref="SumSquaresJob"/> finds of floats.</summary>
internal readonly unsafe struct StoredSumSquaresJob(in View x, double* totals) : IJob
{
    private const int ChunkSize = SumSquaresJob.ChunkSize;
    private readonly StoredNumbers numbers = new(x);
    private readonly Walk walk = new([x]);

    /// <inheritdoc/>
    [SkipLocalsInit]
    public void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* floats = stackalloc float[ChunkSize];
        long at = (long)chunk * ChunkSize, end = Math.Min(at + ChunkSize, walk.Count), stride = walk.Stride(0, walk.Rank - 1);
        double total = 0;
        walk.Find(at, index);
        while (at < end)
        {
            int n = (int)Math.Min(walk.Inner - index[walk.Rank - 1], end - at);
            numbers.Load(numbers.First + walk.Place(0, index), stride, n, floats);
            total += stride == 1 ? SumSquaresJob.Segment(floats, 1, n) : SumSquaresJob.Sparse(floats, 1, n);
            walk.Advance(index, n);
            at += n;
        }

        totals[chunk] = total;
    }
}
