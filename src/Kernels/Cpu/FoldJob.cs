using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The first half of a fold: each task folds one block of the folded elements for one tile of the kept ones into double totals.
/// </summary>
internal unsafe struct FoldJob<L, TOp>(TOp op, in FoldPlan plan, double* totals) : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IFold<TOp>
{
    private const int GatherSize = 256, MaxTile = 512, MaxLane = 16;
    private readonly FoldPlan plan = plan;

    private static bool IsSum => TOp.Kind == FoldKind.Sum;

    private static L Nothing => IsSum ? L.Of(0f) : L.Of(float.NegativeInfinity);

    /// <inheritdoc/>
    public readonly void Run(int chunk)
    {
        long block = chunk / plan.KeptTiles, tile = chunk % plan.KeptTiles;
        long kept = tile * plan.KeptTile, keptEnd = Math.Min(kept + plan.KeptTile, plan.Kept.Count);
        long from = block * plan.FoldedTile, to = Math.Min(from + plan.FoldedTile, plan.Folded.Count);
        double* total = totals + block * plan.Kept.Count;
        if (plan.AlongRows) Rows(kept, keptEnd, from, to, total);
        else Columns(kept, keptEnd, from, to, total);
    }

    private readonly void Rows(long kept, long keptEnd, long from, long to, double* total)
    {
        long* index = stackalloc long[Shape.MaxRank];
        bool dense = L.Count == MaxLane && plan.Kept.Rank == 1 && plan.Folded.Rank == 1
            && plan.Folded.Stride(0, 0) == 1; // registers for four rows
        long quarter = dense ? (keptEnd - kept) / 4 : 0;
        for (long end = kept + quarter; kept < end; kept++)
            FourRows((float*)plan.Folded.Base(0) + from + kept * plan.Kept.Stride(1, 0), quarter * plan.Kept.Stride(1, 0), to - from,
                total + kept, quarter);
        kept += 3 * quarter;
        plan.Kept.Find(kept, index);
        for (; kept < keptEnd; kept++)
        {
            total[kept] = Row(plan.Kept.Place(1, index), from, to);
            plan.Kept.Advance(index, 1);
        }
    }

    /// <summary>Four rows far apart, each as alone: the memory serves several streams faster than one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void FourRows(float* x, long apart, long n, double* total, long step)
    {
        var f = op;
        L a0 = Nothing, b0 = a0, c0 = a0, d0 = a0, a1 = a0, b1 = a0, c1 = a0, d1 = a0, a2 = a0, b2 = a0, c2 = a0, d2 = a0, a3 = a0, b3 = a0,
            c3 = a0, d3 = a0;
        float* y = x + apart, z = y + apart, w = z + apart;
        long i = 0;
        for (; i <= n - 4 * L.Count; i += 4 * L.Count)
        {
            Take(f, x + i, ref a0, ref b0, ref c0, ref d0);
            Take(f, y + i, ref a1, ref b1, ref c1, ref d1);
            Take(f, z + i, ref a2, ref b2, ref c2, ref d2);
            Take(f, w + i, ref a3, ref b3, ref c3, ref d3);
        }

        total[0] = Rest(x, i, n, a0, b0, c0, d0);
        total[step] = Rest(y, i, n, a1, b1, c1, d1);
        total[2 * step] = Rest(z, i, n, a2, b2, c2, d2);
        total[3 * step] = Rest(w, i, n, a3, b3, c3, d3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take(TOp f, float* x, ref L a, ref L b, ref L c, ref L d)
    {
        a = Join(a, f.Map(L.Load(x)));
        b = Join(b, f.Map(L.Load(x + L.Count)));
        c = Join(c, f.Map(L.Load(x + 2 * L.Count)));
        d = Join(d, f.Map(L.Load(x + 3 * L.Count)));
    }

    /// <summary>The fold of a row whose first <paramref name="i"/> numbers are in the four accumulators.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly double Rest(float* x, long i, long n, L a, L b, L c, L d)
    {
        for (; i <= n - L.Count; i += L.Count) a = Join(a, op.Map(L.Load(x + i)));
        L total = Join(Join(a, b), Join(c, d));
        if (i < n) total = Join(total, Tail(x + i, (int)(n - i)));
        return IsSum ? L.Sum(total) : L.Largest(total);
    }

    [SkipLocalsInit]
    private readonly double Row(long offset, long from, long to)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* gathered = stackalloc float[GatherSize];
        float* x = (float*)plan.Folded.Base(0) + offset;
        int inner = plan.Folded.Rank - 1;
        long stride = plan.Folded.Stride(0, inner);
        double result = IsSum ? 0 : double.NegativeInfinity;
        plan.Folded.Find(from, index);
        while (from < to)
        {
            long n = Math.Min(plan.Folded.Inner - index[inner], to - from);
            if (stride != 1) n = Math.Min(n, GatherSize);
            float* segment = x + plan.Folded.Place(0, index);
            if (stride != 1) segment = Gather(segment, stride, n, gathered);
            result = Join(result, Segment(segment, n));
            plan.Folded.Advance(index, n);
            from += n;
        }

        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float* Gather(float* x, long stride, long n, float* to)
    {
        for (long i = 0; i < n; i++) to[i] = x[i * stride];
        return to;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Join(L a, L b) => IsSum ? a + b : L.Max(a, b);

    private static double Join(double a, double b) => IsSum ? a + b : Math.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly double Segment(float* x, long n)
    {
        var f = op;
        L a = Nothing, b = a, c = a, d = a;
        long i = 0;
        for (; i <= n - 4 * L.Count; i += 4 * L.Count) Take(f, x + i, ref a, ref b, ref c, ref d);
        return Rest(x, i, n, a, b, c, d);
    }

    private readonly L Tail(float* x, int n)
    {
        float* part = stackalloc float[MaxLane];
        L.Store(part, op.Map(L.LoadPart(x, n)));
        float nothing = IsSum ? 0f : float.NegativeInfinity;
        for (int i = n; i < L.Count; i++) part[i] = nothing;
        return L.Load(part);
    }

    [SkipLocalsInit]
    private readonly void Columns(long kept, long keptEnd, long from, long to, double* total)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* sums = stackalloc float[MaxTile];
        float* gathered = stackalloc float[MaxTile];
        int inner = plan.Kept.Rank - 1;
        long stride = plan.Kept.Stride(1, inner);
        plan.Kept.Find(kept, index);
        while (kept < keptEnd)
        {
            long n = Math.Min(plan.Kept.Inner - index[inner], keptEnd - kept);
            float* x = (float*)plan.Folded.Base(0) + plan.Kept.Place(1, index);
            Columns(x, stride, (int)n, from, to, sums, gathered);
            for (long i = 0; i < n; i++) total[kept + i] = sums[i];
            plan.Kept.Advance(index, n);
            kept += n;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Columns(float* x, long stride, int n, long from, long to, float* sums, float* gathered)
    {
        long* index = stackalloc long[Shape.MaxRank];
        new Span<float>(sums, n).Fill(IsSum ? 0f : float.NegativeInfinity);
        plan.Folded.Find(from, index);
        for (; from < to; from++)
        {
            float* row = x + plan.Folded.Place(0, index);
            plan.Folded.Advance(index, 1);
            if (stride == 1 && from + 1 < to)
            {
                AddRows(row, x + plan.Folded.Place(0, index), sums, n);
                plan.Folded.Advance(index, 1);
                from++;
                continue;
            }

            if (stride != 1) row = Gather(row, stride, n, gathered);
            AddRow(row, sums, n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddRows(float* x, float* next, float* sums, int n)
    {
        var f = op;
        int i = 0;
        for (; i <= n - L.Count; i += L.Count)
            L.Store(sums + i, Join(L.Load(sums + i), Join(f.Map(L.Load(x + i)), f.Map(L.Load(next + i)))));
        if (i == n) return;
        L rest = Join(f.Map(L.LoadPart(x + i, n - i)), f.Map(L.LoadPart(next + i, n - i)));
        L.StorePart(sums + i, Join(L.LoadPart(sums + i, n - i), rest), n - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddRow(float* x, float* sums, int n)
    {
        var f = op;
        int i = 0;
        for (; i <= n - L.Count; i += L.Count) L.Store(sums + i, Join(L.Load(sums + i), f.Map(L.Load(x + i))));
        if (i < n) L.StorePart(sums + i, Join(L.LoadPart(sums + i, n - i), f.Map(L.LoadPart(x + i, n - i))), n - i);
    }
}

/// <summary>The second half of a fold: joins the blocks' totals in their order, finishes, and writes or adds.</summary>
internal unsafe struct FinishFoldJob<L, TOp>(TOp op, in FoldPlan plan, double* totals, bool add) : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IFold<TOp>
{
    public const int ChunkSize = 4096;
    private const int MaxLane = 16;
    private readonly FoldPlan plan = plan;

    /// <inheritdoc/>
    public readonly void Run(int chunk)
    {
        long* index = stackalloc long[Shape.MaxRank];
        float* lane = stackalloc float[MaxLane];
        long at = (long)chunk * ChunkSize, end = Math.Min(at + ChunkSize, plan.Kept.Count);
        plan.Kept.Find(at, index);
        for (; at < end; at += L.Count)
        {
            int n = (int)Math.Min(L.Count, end - at);
            for (int i = 0; i < n; i++) lane[i] = (float)Total(at + i);
            for (int i = n; i < L.Count; i++) lane[i] = 0f;
            L.Store(lane, op.Finish(L.Load(lane)));
            for (int i = 0; i < n; i++)
            {
                float* y = (float*)plan.Kept.Base(0) + plan.Kept.Place(0, index);
                *y = add ? *y + lane[i] : lane[i];
                plan.Kept.Advance(index, 1);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly double Total(long kept)
    {
        double total = totals[kept];
        for (int block = 1; block < plan.FoldedBlocks; block++)
        {
            double next = totals[block * plan.Kept.Count + kept];
            total = TOp.Kind == FoldKind.Sum ? total + next : Math.Max(total, next);
        }

        return total;
    }
}
