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

/// <summary>
/// The first half of a column fold: each task sums a block of rows for a tile of columns into the block's partial vectors.
/// </summary>
internal readonly unsafe struct ColumnJob<L, TOp, TUse>(TOp op, in RowArgs args, long rows, long n, float* partials) : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IColumn<TOp> where TUse : struct, IUse
{
    private const int TileSize = 1024;
    private readonly RowPointers first = new(args);
    private readonly float* stats = args.Stats.Floats();

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
        long row = block * ColumnBlocks.Rows, last = Math.Min(row + ColumnBlocks.Rows, rows);
        long whole = end - (end - start) % L.Count;
        long quarter = (last - row) / 4;
        for (long i = 0; i < quarter; i++) FourRows(row + i, quarter, start, whole, a, b);
        for (row += 4 * quarter; row < last; row++) OneRow(row, start, whole, a, b);
        if (whole == end) return;
        for (row = block * ColumnBlocks.Rows; row < last; row++)
            LastColumns(first.Row(row * n), Numbers(row), whole, (int)(end - whole), a + whole, b + whole);
    }

    private RowNumbers<L> Numbers(long row)
    {
        var s = new RowNumbers<L>();
        if (stats == null) return s;
        s.Shift = L.Broadcast(stats + 2 * row);
        s.Scale = L.Broadcast(stats + 2 * row + 1);
        return s;
    }

    // Rows far apart: the memory serves several streams faster than one, and the sums pass through the cache once for all of them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void FourRows(long row, long apart, long i, long end, float* a, float* b)
    {
        var f = op;
        RowNumbers<L> s0 = Numbers(row), s1 = Numbers(row + apart), s2 = Numbers(row + 2 * apart), s3 = Numbers(row + 3 * apart);
        var p = first.Row(row * n);
        float* x = p.X, dy = p.Dy, gain = p.Gain, bias = p.Bias;
        long second = apart * n, third = 2 * second, fourth = 3 * second;
        for (; i < end; i += L.Count)
        {
            f.Add(RowPointers.Item<L, TUse>(x, dy, gain, bias, i), s0, out L a0, out L b0);
            f.Add(RowPointers.Item<L, TUse>(x + second, dy + second, gain, bias, i), s1, out L a1, out L b1);
            f.Add(RowPointers.Item<L, TUse>(x + third, dy + third, gain, bias, i), s2, out L a2, out L b2);
            f.Add(RowPointers.Item<L, TUse>(x + fourth, dy + fourth, gain, bias, i), s3, out L a3, out L b3);
            L.Store(a + i, L.Load(a + i) + (a0 + a1 + (a2 + a3)));
            L.Store(b + i, L.Load(b + i) + (b0 + b1 + (b2 + b3)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void OneRow(long row, long i, long end, float* a, float* b)
    {
        var f = op;
        var s = Numbers(row);
        var p = first.Row(row * n);
        float* x = p.X, dy = p.Dy, gain = p.Gain, bias = p.Bias;
        for (; i < end; i += L.Count)
        {
            f.Add(RowPointers.Item<L, TUse>(x, dy, gain, bias, i), s, out L da, out L db);
            L.Store(a + i, L.Load(a + i) + da);
            L.Store(b + i, L.Load(b + i) + db);
        }
    }

    private void LastColumns(in RowPointers p, in RowNumbers<L> s, long i, int count, float* a, float* b)
    {
        op.Add(p.LastItem<L, TUse>(i, count), s, out L x, out L y);
        L.StorePart(a, L.LoadPart(a, count) + x, count);
        L.StorePart(b, L.LoadPart(b, count) + y, count);
    }
}

/// <summary>The second half of a column fold: adds the blocks' partial vectors in their order.</summary>
internal readonly unsafe struct ColumnTotalJob<L>(float* partials, long blocks, long n, float* sumA, bool addA, float* sumB, bool addB)
    : IJob
    where L : struct, ISimd<L>
{
    public const int ChunkSize = 512;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int chunk)
    {
        long start = (long)chunk * ChunkSize, end = Math.Min(start + ChunkSize, n);
        if (sumA != null) Total(partials, sumA, addA, start, end);
        if (sumB != null) Total(partials + n, sumB, addB, start, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Total(float* partial, float* sum, bool add, long i, long end)
    {
        for (; i < end; i += L.Count)
        {
            int count = (int)Math.Min(L.Count, end - i);
            L total = L.Of(0f);
            if (count == L.Count)
                for (long block = 0; block < blocks; block++) total += L.Load(partial + block * 2 * n + i);
            else
                for (long block = 0; block < blocks; block++) total += L.LoadPart(partial + block * 2 * n + i, count);
            L.StorePart(sum + i, add ? L.LoadPart(sum + i, count) + total : total, count);
        }
    }
}
