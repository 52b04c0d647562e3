using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// A row formula of which matrices are of a type that is storage only: each row is converted to floats, passes <see cref="RowJob{L, TOp,
/// TUse, TAdd}"/>, and the result is rounded back. Where elements are stored in groups with a scale, a chunk begins with a group, and a
/// group that two rows share is written when the second is there.
/// </summary>
internal readonly unsafe struct StoredRowJob<L, TOp, TUse, TAdd> : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IRow<TOp> where TUse : struct, IUse where TAdd : struct, IFlag
{
    private const int ChunkSize = 8192, Window = StoredNumbers.Window;
    private readonly RowJob<L, TOp, TUse, TAdd> floats;
    private readonly Workspace workspace;
    private readonly StoredNumbers x, dy, y;
    private readonly RowPointers first;
    private readonly float* stats;
    private readonly long rows, n, chunkRows;

    private StoredRowJob(Workspace workspace, TOp op, in RowArgs args, long rows, long n)
    {
        floats = new RowJob<L, TOp, TUse, TAdd>(op, args with { X = Plain(args.X), Dy = Plain(args.Dy), Y = Plain(args.Y) }, rows, n);
        first = new RowPointers(args with { X = Plain(args.X), Dy = Plain(args.Dy), Y = Plain(args.Y) });
        (this.workspace, this.rows, this.n) = (workspace, rows, n);
        stats = args.Stats.Floats();
        (x, dy, y) = (new StoredNumbers(args.X), new StoredNumbers(args.Dy), new StoredNumbers(args.Y));
        chunkRows = RowsPerChunk(n, y.HasGroups);
    }

    /// <summary>Runs the formula over all rows.</summary>
    public static void Run(Workers workers, Workspace workspace, TOp op, in RowArgs args, long rows, long n)
    {
        var job = new StoredRowJob<L, TOp, TUse, TAdd>(workspace, op, args, rows, n);
        workers.Run(ref job, (int)((rows + job.chunkRows - 1) / job.chunkRows));
    }

    private static View Plain(in View view) => view.IsStored ? default : view;

    /// <summary>Enough rows to be worth a thread; with groups the fewest rows that fill whole ones, or a multiple of them.</summary>
    private static long RowsPerChunk(long n, bool groups)
    {
        long worth = Math.Max(1, ChunkSize / n);
        if (!groups) return worth;
        long unit = Window / Math.Min(Window, n & -n);
        return (worth + unit - 1) / unit * unit;
    }

    /// <inheritdoc/>
    public void Run(int chunk)
    {
        var block = workspace.Rent((3 * n + Window) * sizeof(float));
        float* rowX = (float*)block.Pointer, rowDy = rowX + n, result = rowDy + n;
        long end = Math.Min((chunk + 1) * chunkRows, rows), stored = chunk * chunkRows * n;
        for (long row = chunk * chunkRows; row < end; row++)
        {
            int waiting = (int)(row * n - stored);
            Row(row, rowX, rowDy, result + waiting);
            if (!y.IsStored) continue;
            int ready = waiting + (int)n;
            if (y.HasGroups && row + 1 < end) ready -= ready % Window;
            y.Store(result, y.First + stored, ready);
            stored += ready;
            int left = (int)((row + 1) * n - stored);
            if (left > 0) new Span<float>(result + ready, left).CopyTo(new Span<float>(result, left));
        }

        workspace.Return(block);
    }

    private void Row(long row, float* rowX, float* rowDy, float* result)
    {
        var p = first.Row(row * n);
        if (x.IsStored) x.Load(x.First + row * n, (int)n, p.X = rowX);
        if (dy.IsStored) dy.Load(dy.First + row * n, (int)n, p.Dy = rowDy);
        if (y.IsStored) p.Y = result;
        if (TAdd.Set && y.IsStored) y.Load(y.First + row * n, (int)n, result);
        floats.Row(p, stats == null ? null : stats + 2 * row);
    }
}
