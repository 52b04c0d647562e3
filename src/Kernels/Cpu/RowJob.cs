using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Which optional operands a row formula reads, known when its loop is compiled so that absent ones cost nothing.</summary>
internal interface IUse
{
    static abstract bool Dy { get; }

    static abstract bool Gain { get; }

    static abstract bool Bias { get; }
}

internal readonly struct Use<TDy, TGain, TBias> : IUse where TDy : struct, IFlag where TGain : struct, IFlag where TBias : struct, IFlag
{
    public static bool Dy => TDy.Set;

    public static bool Gain => TGain.Set;

    public static bool Bias => TBias.Set;
}

/// <summary>Where the operands of one row begin.</summary>
internal unsafe struct RowPointers
{
    public float* X, Dy, Gain, Bias, Y;

    /// <summary>The operands of row <paramref name="row"/> of contiguous matrices of <paramref name="n"/> columns.</summary>
    public RowPointers(in RowArgs args, long row, long n)
    {
        X = args.X.Floats() + row * n;
        Dy = args.Dy.IsAbsent ? null : args.Dy.Floats() + row * n;
        Y = args.Y.IsAbsent ? null : args.Y.Floats() + row * n;
        Gain = args.Gain.Floats();
        Bias = args.Bias.Floats();
    }

    /// <summary>What the formula sees at column <paramref name="i"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly RowItem<L> Item<L, TUse>(long i) where L : struct, ISimd<L> where TUse : struct, IUse => new(
        L.Load(X + i),
        TUse.Dy ? L.Load(Dy + i) : L.Of(0f),
        TUse.Gain ? L.Load(Gain + i) : L.Of(0f),
        TUse.Bias ? L.Load(Bias + i) : L.Of(0f));

    /// <summary>The same for the last <paramref name="count"/> columns, fewer than a lane, padded with zeros.</summary>
    public readonly RowItem<L> LastItem<L, TUse>(long i, int count) where L : struct, ISimd<L> where TUse : struct, IUse => new(
        L.LoadPart(X + i, count),
        TUse.Dy ? L.LoadPart(Dy + i, count) : L.Of(0f),
        TUse.Gain ? L.LoadPart(Gain + i, count) : L.Of(0f),
        TUse.Bias ? L.LoadPart(Bias + i, count) : L.Of(0f));
}

/// <summary>The number of a stage, known when its loop is compiled.</summary>
internal interface IStage
{
    static abstract int Number { get; }
}

internal readonly struct FirstStage : IStage
{
    public static int Number => 0;
}

internal readonly struct SecondStage : IStage
{
    public static int Number => 1;
}

/// <summary>A row formula over rows of contiguous matrices; each row is done by one thread.</summary>
internal readonly unsafe struct RowJob<L, TOp, TUse, TAdd>(TOp op, RowArgs args, long rows, long n) : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IRow<TOp> where TUse : struct, IUse where TAdd : struct, IFlag
{
    private const int ChunkSize = 8192, MaxLane = 16;
    private readonly RowArgs args = args;
    private readonly long chunkRows = Math.Max(1, ChunkSize / n);

    /// <summary>Runs the formula over all rows.</summary>
    public static void Run(Workers workers, TOp op, in RowArgs args, long rows, long n)
    {
        var job = new RowJob<L, TOp, TUse, TAdd>(op, args, rows, n);
        workers.Run(ref job, (int)((rows + job.chunkRows - 1) / job.chunkRows));
    }

    /// <inheritdoc/>
    public void Run(int chunk)
    {
        long end = Math.Min((chunk + 1) * chunkRows, rows);
        for (long row = chunk * chunkRows; row < end; row++) Row(row);
    }

    private void Row(long row)
    {
        var p = new RowPointers(args, row, n);
        float* stats = args.Stats.IsAbsent ? null : args.Stats.Floats() + 2 * row;
        var s = new RowNumbers<L>();
        if (args.LoadStats) Load(ref s, stats);
        if (TOp.Stages > 0) s = Stage<FirstStage>(p, s);
        if (TOp.Stages > 1) s = Stage<SecondStage>(p, s);
        if (!args.LoadStats && stats != null) Save(s, stats);
        Write(p, s);
    }

    private static void Load(ref RowNumbers<L> s, float* stats)
    {
        s.S0 = L.Broadcast(stats);
        s.S1 = L.Broadcast(stats + 1);
    }

    private static void Save(in RowNumbers<L> s, float* stats)
    {
        L.StorePart(stats, s.S0, 1);
        L.StorePart(stats + 1, s.S1, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private RowNumbers<L> Stage<TStage>(RowPointers p, RowNumbers<L> s) where TStage : struct, IStage
    {
        var f = op;
        L nothing = IsSum<TStage>() ? L.Of(0f) : L.Of(float.NegativeInfinity);
        L a0 = nothing, a1 = nothing, a2 = nothing, a3 = nothing, b0 = nothing, b1 = nothing, b2 = nothing, b3 = nothing;
        long i = 0;
        for (; i <= n - 4 * L.Count; i += 4 * L.Count)
        {
            f.Fold(TStage.Number, p.Item<L, TUse>(i), s, out L x0, out L y0);
            f.Fold(TStage.Number, p.Item<L, TUse>(i + L.Count), s, out L x1, out L y1);
            f.Fold(TStage.Number, p.Item<L, TUse>(i + 2 * L.Count), s, out L x2, out L y2);
            f.Fold(TStage.Number, p.Item<L, TUse>(i + 3 * L.Count), s, out L x3, out L y3);
            a0 = Join<TStage>(a0, x0);
            b0 = Join<TStage>(b0, y0);
            a1 = Join<TStage>(a1, x1);
            b1 = Join<TStage>(b1, y1);
            a2 = Join<TStage>(a2, x2);
            b2 = Join<TStage>(b2, y2);
            a3 = Join<TStage>(a3, x3);
            b3 = Join<TStage>(b3, y3);
        }

        for (; i <= n - L.Count; i += L.Count)
        {
            f.Fold(TStage.Number, p.Item<L, TUse>(i), s, out L x0, out L y0);
            a0 = Join<TStage>(a0, x0);
            b0 = Join<TStage>(b0, y0);
        }

        if (i < n)
        {
            LastFold<TStage>(p, s, i, out L x1, out L y1);
            a1 = Join<TStage>(a1, x1);
            b1 = Join<TStage>(b1, y1);
        }

        L a = Join<TStage>(Join<TStage>(a0, a1), Join<TStage>(a2, a3)), b = Join<TStage>(Join<TStage>(b0, b1), Join<TStage>(b2, b3));
        var result = s;
        f.Finish(TStage.Number, L.Of((float)n), Total<TStage>(a), Total<TStage>(b), ref result);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSum<TStage>() where TStage : struct, IStage => TOp.Kind(TStage.Number) == FoldKind.Sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Join<TStage>(L a, L b) where TStage : struct, IStage => IsSum<TStage>() ? a + b : L.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Total<TStage>(L a) where TStage : struct, IStage => L.Of(IsSum<TStage>() ? L.Sum(a) : L.Largest(a));

    private void LastFold<TStage>(RowPointers p, RowNumbers<L> s, long i, out L a, out L b) where TStage : struct, IStage
    {
        int count = (int)(n - i);
        op.Fold(TStage.Number, p.LastItem<L, TUse>(i, count), s, out a, out b);
        float nothing = IsSum<TStage>() ? 0f : float.NegativeInfinity;
        a = Keep(a, count, nothing);
        b = Keep(b, count, nothing);
    }

    private static L Keep(L a, int count, float nothing)
    {
        float* part = stackalloc float[MaxLane];
        L.Store(part, a);
        for (int i = count; i < L.Count; i++) part[i] = nothing;
        return L.Load(part);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Write(RowPointers p, RowNumbers<L> s)
    {
        var f = op;
        long i = 0;
        for (; i <= n - L.Count; i += L.Count)
        {
            var y = f.Write(p.Item<L, TUse>(i), s);
            L.Store(p.Y + i, TAdd.Set ? L.Load(p.Y + i) + y : y);
        }

        if (i < n) LastWrite(p, s, i);
    }

    private void LastWrite(RowPointers p, RowNumbers<L> s, long i)
    {
        int count = (int)(n - i);
        var y = op.Write(p.LastItem<L, TUse>(i, count), s);
        L.StorePart(p.Y + i, TAdd.Set ? L.LoadPart(p.Y + i, count) + y : y, count);
    }
}
