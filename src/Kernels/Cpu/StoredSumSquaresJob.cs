using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Sums of squares of elements of a type that is storage only, over the chunks of <see cref="SumSquaresJob"/>.</summary>
internal readonly unsafe struct StoredSumSquaresJob(in View x, double* totals) : IJob
{
    private const int ChunkSize = SumSquaresJob.ChunkSize, Window = StoredNumbers.Window;
    private readonly StoredNumbers numbers = new(x);
    private readonly Walk walk = new([x]);

    /// <inheritdoc/>
    [SkipLocalsInit]
    public void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* window = stackalloc float[Window];
        long at = (long)chunk * ChunkSize, end = Math.Min(at + ChunkSize, walk.Count), stride = walk.Stride(0, walk.Rank - 1);
        double total = 0;
        walk.Find(at, index);
        while (at < end)
        {
            int n = (int)Math.Min(Window, Math.Min(walk.Inner - index[walk.Rank - 1], end - at));
            numbers.Load(numbers.First + walk.Place(0, index), stride, n, window);
            for (int i = 0; i < n; i++) total += (double)window[i] * window[i];
            walk.Advance(index, n);
            at += n;
        }

        totals[chunk] = total;
    }
}
