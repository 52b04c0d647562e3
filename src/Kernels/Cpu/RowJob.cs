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

/// <summary>Where the operands of a row begin; null where absent.</summary>
internal unsafe struct RowPointers(in RowArgs args)
{
    public float* X = args.X.Floats(), Dy = args.Dy.Floats(), Gain = args.Gain.Floats(), Bias = args.Bias.Floats(), Y = args.Y.Floats();

    /// <summary>The operands <paramref name="offset"/> elements further on: the start of another row of the same columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly RowPointers Row(long offset) =>
        this with { X = X == null ? null : X + offset, Dy = Dy == null ? null : Dy + offset, Y = Y == null ? null : Y + offset };

    /// <summary>What the formula sees at the lane of columns from <paramref name="i"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RowItem<L> Item<L, TUse>(float* x, float* dy, float* gain, float* bias, long i)
        where L : struct, ISimd<L> where TUse : struct, IUse =>
        new(
            L.Load(x + i), TUse.Dy ? L.Load(dy + i) : L.Of(0f), TUse.Gain ? L.Load(gain + i) : L.Of(0f),
            TUse.Bias ? L.Load(bias + i) : L.Of(0f));

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
internal readonly unsafe struct RowJob<L, TOp, TUse, TAdd>(TOp op, in RowArgs args, long rows, long n) : IJob
    where L : struct, ISimd<L> where TOp : unmanaged, IRow<TOp> where TUse : struct, IUse where TAdd : struct, IFlag
{
    private const int ChunkSize = 8192, MaxLane = 16;
    private readonly TOp op = op;
    private readonly long rows = rows, n = n, whole = n - n % L.Count, chunkRows = Math.Max(1, ChunkSize / n);
    private readonly RowPointers first = new(args);
    private readonly float* stats = args.Stats.Floats();
    private readonly bool load = args.LoadStats;

    /// <summary>Runs the formula over all rows.</summary>
    public static void Run(Workers workers, TOp op, in RowArgs args, long rows, long n)
    {
        var job = new RowJob<L, TOp, TUse, TAdd>(op, args, rows, n);
        workers.Run(ref job, (int)((rows + job.chunkRows - 1) / job.chunkRows));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(int chunk)
    {
        long end = Math.Min((chunk + 1) * chunkRows, rows);
        for (long row = chunk * chunkRows; row < end; row++) Row(first.Row(row * n), stats == null ? null : stats + 2 * row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Row(in RowPointers p, float* saved)
    {
        var s = new RowNumbers<L>();
        if (load) Load(ref s, saved);
        if (TOp.Stages > 0) Stage<FirstStage>(p, ref s);
        if (TOp.Stages > 1) Stage<SecondStage>(p, ref s);
        if (!load && saved != null) Save(s, saved);
        Write(p, s);
        if (whole < n) LastWrite(p, s);
    }

    private static void Load(ref RowNumbers<L> s, float* saved)
    {
        s.Shift = L.Broadcast(saved);
        s.Scale = L.Broadcast(saved + 1);
    }

    private static void Save(in RowNumbers<L> s, float* saved)
    {
        L.StorePart(saved, s.Shift, 1);
        L.StorePart(saved + 1, s.Scale, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Stage<TStage>(in RowPointers p, ref RowNumbers<L> s) where TStage : struct, IStage
    {
        WholeFold<TStage>(p, s, out L a, out L b);
        if (whole < n)
        {
            LastFold<TStage>(p, s, out L lastA, out L lastB);
            a = Join<TStage>(a, lastA);
            b = Join<TStage>(b, lastB);
        }

        op.Finish(TStage.Number, L.Of((float)n), Total<TStage>(a), Total<TStage>(b), ref s);
    }

    /// <summary>Folds whole lanes. It calls nothing, so that the accumulators stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WholeFold<TStage>(in RowPointers p, in RowNumbers<L> numbers, out L a, out L b) where TStage : struct, IStage
    {
        var f = op;
        var s = numbers;
        float* x = p.X, dy = p.Dy, gain = p.Gain, bias = p.Bias;
        L a0 = Nothing<TStage>(), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        long i = 0, end = whole;
        for (; i <= end - 4 * L.Count; i += 4 * L.Count)
        {
            f.Fold(TStage.Number, RowPointers.Item<L, TUse>(x, dy, gain, bias, i), s, out L x0, out L y0);
            a0 = Join<TStage>(a0, x0);
            b0 = Join<TStage>(b0, y0);
            f.Fold(TStage.Number, RowPointers.Item<L, TUse>(x, dy, gain, bias, i + L.Count), s, out L x1, out L y1);
            a1 = Join<TStage>(a1, x1);
            b1 = Join<TStage>(b1, y1);
            f.Fold(TStage.Number, RowPointers.Item<L, TUse>(x, dy, gain, bias, i + 2 * L.Count), s, out L x2, out L y2);
            a2 = Join<TStage>(a2, x2);
            b2 = Join<TStage>(b2, y2);
            f.Fold(TStage.Number, RowPointers.Item<L, TUse>(x, dy, gain, bias, i + 3 * L.Count), s, out L x3, out L y3);
            a3 = Join<TStage>(a3, x3);
            b3 = Join<TStage>(b3, y3);
        }

        for (; i < end; i += L.Count)
        {
            f.Fold(TStage.Number, RowPointers.Item<L, TUse>(x, dy, gain, bias, i), s, out L x0, out L y0);
            a0 = Join<TStage>(a0, x0);
            b0 = Join<TStage>(b0, y0);
        }

        a = Join<TStage>(Join<TStage>(a0, a1), Join<TStage>(a2, a3));
        b = Join<TStage>(Join<TStage>(b0, b1), Join<TStage>(b2, b3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSum<TStage>() where TStage : struct, IStage => TOp.Kind(TStage.Number) == FoldKind.Sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Nothing<TStage>() where TStage : struct, IStage => IsSum<TStage>() ? L.Of(0f) : L.Of(float.NegativeInfinity);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Join<TStage>(L a, L b) where TStage : struct, IStage => IsSum<TStage>() ? a + b : L.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Total<TStage>(L a) where TStage : struct, IStage => L.Of(IsSum<TStage>() ? L.Sum(a) : L.Largest(a));

    private void LastFold<TStage>(in RowPointers p, in RowNumbers<L> s, out L a, out L b) where TStage : struct, IStage
    {
        int count = (int)(n - whole);
        op.Fold(TStage.Number, p.LastItem<L, TUse>(whole, count), s, out a, out b);
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
    private void Write(in RowPointers p, in RowNumbers<L> numbers)
    {
        var f = op;
        var s = numbers;
        float* x = p.X, dy = p.Dy, gain = p.Gain, bias = p.Bias, to = p.Y;
        long end = whole;
        for (long i = 0; i < end; i += L.Count)
        {
            var y = f.Write(RowPointers.Item<L, TUse>(x, dy, gain, bias, i), s);
            L.Store(to + i, TAdd.Set ? L.Load(to + i) + y : y);
        }
    }

    private void LastWrite(in RowPointers p, in RowNumbers<L> s)
    {
        int count = (int)(n - whole);
        float* to = p.Y + whole;
        var y = op.Write(p.LastItem<L, TUse>(whole, count), s);
        L.StorePart(to, TAdd.Set ? L.LoadPart(to, count) + y : y, count);
    }
}
