using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The blocks of rows that a column fold sums apart.</summary>
internal static class ColumnBlocks
{
    /// <summary>Rows of one block.</summary>
    public const int Rows = 128;

    /// <summary>Blocks of a matrix of <paramref name="rows"/> rows.</summary>
    public static long Count(long rows) => (rows + Rows - 1) / Rows;
}

/// <summary>The first half of a column fold: each task sums a block of rows for a tile of columns into the block's partial vectors.</summary>
internal readonly unsafe struct ColumnJob<L, TOp, TUse>(TOp op, RowArgs args, long rows, long n, float* partials) : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IColumn<TOp> where TUse : struct, IUse
{
    private const int TileSize = 512;
    private readonly RowArgs args = args;

    /// <summary>Runs all blocks and tiles; the partial vectors are (blocks, 2, n).</summary>
    public static void Run(Workers workers, TOp op, in RowArgs args, long rows, long n, float* partials)
    {
        var job = new ColumnJob<L, TOp, TUse>(op, args, rows, n, partials);
        workers.Run(ref job, (int)(ColumnBlocks.Count(rows) * job.Tiles));
    }

    private long Tiles => (n + TileSize - 1) / TileSize;

    /// <inheritdoc/>
    public void Run(int chunk)
    {
        long block = chunk / Tiles, start = chunk % Tiles * TileSize, end = Math.Min(start + TileSize, n);
        float* a = partials + block * 2 * n, b = a + n;
        new Span<float>(a + start, (int)(end - start)).Clear();
        new Span<float>(b + start, (int)(end - start)).Clear();
        long last = Math.Min((block + 1) * ColumnBlocks.Rows, rows);
        for (long row = block * ColumnBlocks.Rows; row < last; row++) Row(new RowPointers(args, row, n), Numbers(row), start, end, a, b);
    }

    private RowNumbers<L> Numbers(long row)
    {
        var s = new RowNumbers<L>();
        if (args.Stats.IsAbsent) return s;
        s.S0 = L.Broadcast(args.Stats.Floats() + 2 * row);
        s.S1 = L.Broadcast(args.Stats.Floats() + 2 * row + 1);
        return s;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Row(RowPointers p, RowNumbers<L> s, long i, long end, float* a, float* b)
    {
        var f = op;
        for (; i <= end - L.Count; i += L.Count)
        {
            f.Add(p.Item<L, TUse>(i), s, out L x, out L y);
            L.Store(a + i, L.Load(a + i) + x);
            L.Store(b + i, L.Load(b + i) + y);
        }

        if (i < end) LastColumns(p, s, i, (int)(end - i), a + i, b + i);
    }

    private void LastColumns(RowPointers p, RowNumbers<L> s, long i, int count, float* a, float* b)
    {
        op.Add(p.LastItem<L, TUse>(i, count), s, out L x, out L y);
        L.StorePart(a, L.LoadPart(a, count) + x, count);
        L.StorePart(b, L.LoadPart(b, count) + y, count);
    }
}

/// <summary>The second half of a column fold: adds the blocks' partial vectors in their order.</summary>
internal readonly unsafe struct ColumnTotalJob<L>(float* partials, long blocks, long n, float* sumA, bool addA, float* sumB, bool addB) : IJob
    where L : struct, ISimd<L>
{
    public const int ChunkSize = 512;

    /// <inheritdoc/>
    public void Run(int chunk)
    {
        long start = (long)chunk * ChunkSize, end = Math.Min(start + ChunkSize, n);
        if (sumA != null) Total(partials, sumA, addA, start, end);
        if (sumB != null) Total(partials + n, sumB, addB, start, end);
    }

    private void Total(float* partial, float* sum, bool add, long i, long end)
    {
        for (; i < end; i += L.Count)
        {
            int count = (int)Math.Min(L.Count, end - i);
            L total = L.Of(0f);
            for (long block = 0; block < blocks; block++) total += L.LoadPart(partial + block * 2 * n + i, count);
            L.StorePart(sum + i, add ? L.LoadPart(sum + i, count) + total : total, count);
        }
    }
}
