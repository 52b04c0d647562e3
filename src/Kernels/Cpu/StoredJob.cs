using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// An elementwise loop of which some operands are of a type that is storage only: a window of 256 elements of each is converted to floats,
/// passes the same lanes as in <see cref="MapJob{L, TLoop}"/>, and is rounded back where it was written.
/// </summary>
internal unsafe struct StoredJob<L, TLoop> : IJob where L : struct, ISimd<L> where TLoop : struct, ILoop
{
    private const int ChunkSize = 16384, Window = StoredNumbers.Window;
    private readonly Walk walk;
    private readonly MapJob<L, TLoop> floats;
    private Numbers numbers;

    private StoredJob(TLoop loop, in Walk walk, ReadOnlySpan<View> operands)
    {
        this.walk = walk;
        floats = new MapJob<L, TLoop>(loop, walk);
        for (int k = 0; k < operands.Length; k++) numbers[k] = new StoredNumbers(operands[k]);
    }

    /// <summary>Runs the loop over all elements.</summary>
    /// <exception cref="NotSupportedException">Groups with a scale are to be written in part, or not in their order.</exception>
    public static void Run(Workers workers, TLoop loop, in Walk walk, ReadOnlySpan<View> operands)
    {
        if (walk.Count == 0) return;
        var job = new StoredJob<L, TLoop>(loop, walk, operands);
        for (int k = 0; k < operands.Length; k++)
            if ((TLoop.Written >> k & 1) != 0 && job.numbers[k].HasGroups && (!walk.IsDense(k) || operands[k].Layout.Offset % Window != 0))
                throw new NotSupportedException($"{operands[k].Type} elements are written in whole groups of {Window}, in their order.");
        workers.Run(ref job, (int)((walk.Count + ChunkSize - 1) / ChunkSize));
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public readonly void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* windows = stackalloc float[Walk.MaxOperands * Window];
        float** p = stackalloc float*[Walk.MaxOperands];
        long* step = stackalloc long[Walk.MaxOperands];
        long end = Math.Min((chunk + 1L) * ChunkSize, walk.Count);
        for (long start = (long)chunk * ChunkSize; start < end; start += Window)
        {
            int n = (int)Math.Min(Window, end - start);
            for (int k = 0; k < Walk.MaxOperands; k++)
            {
                step[k] = k < TLoop.Operands && walk.Base(k) != null ? L.Count : 0;
                p[k] = step[k] == 0 ? null : In(k, start, n, windows + k * Window, index);
            }

            floats.Lanes(p, step, n);
            for (int k = 0; k < TLoop.Operands; k++)
                if ((TLoop.Written >> k & 1) != 0 && p[k] == windows + k * Window) Out(k, start, n, p[k], index);
        }
    }

    /// <summary>The floats of an operand's window: where they lie, or gathered into <paramref name="window"/>.</summary>
    private readonly float* In(int k, long start, int n, float* window, long* index)
    {
        bool dense = walk.IsDense(k);
        if (numbers[k].IsStored && dense) numbers[k].Load(numbers[k].First + start, n, window);
        else if (numbers[k].IsStored) Gather(k, start, n, window, index);
        else if (dense) return (float*)walk.Base(k) + start;
        else floats.Gather(k, start, n, window, index);
        return window;
    }

    private readonly void Out(int k, long start, int n, float* window, long* index)
    {
        if (!numbers[k].IsStored) floats.Scatter(k, start, n, window, index);
        else if (walk.IsDense(k)) numbers[k].Store(window, numbers[k].First + start, n);
        else Scatter(k, start, n, window, index);
    }

    private readonly void Gather(int k, long start, int n, float* to, long* index)
    {
        walk.Find(start, index);
        for (int i = 0; i < n;)
        {
            int run = (int)Math.Min(walk.Inner - index[walk.Rank - 1], n - i);
            numbers[k].Load(numbers[k].First + walk.Place(k, index), walk.Stride(k, walk.Rank - 1), run, to + i);
            walk.Advance(index, run);
            i += run;
        }
    }

    private readonly void Scatter(int k, long start, int n, float* from, long* index)
    {
        walk.Find(start, index);
        for (int i = 0; i < n;)
        {
            int run = (int)Math.Min(walk.Inner - index[walk.Rank - 1], n - i);
            numbers[k].Store(from + i, numbers[k].First + walk.Place(k, index), walk.Stride(k, walk.Rank - 1), run);
            walk.Advance(index, run);
            i += run;
        }
    }

    [InlineArray(Walk.MaxOperands)]
    private struct Numbers
    {
        private StoredNumbers first;
    }
}
