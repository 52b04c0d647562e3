namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args)
    {
        long n = args.X.Shape[-1];
        for (long row = 0; row * n < args.X.Count; row++)
        {
            var numbers = args.LoadStats ? Load(args.Stats, row) : default;
            for (int stage = 0; stage < TOp.Stages; stage++) FoldRow(op, stage, args, row, ref numbers);
            if (!args.Stats.IsAbsent && !args.LoadStats) Save(args.Stats, row, numbers);
            for (long j = 0; j < n; j++) Set(args.Y, row * n + j, op.Write(Item(args, row, j), numbers), args.Add);
        }
    }

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
        long n = args.X.Shape[-1];
        for (long j = 0; j < n; j++)
        {
            V totalA = Zero, totalB = Zero;
            for (long row = 0; row * n < args.X.Count; row++)
            {
                op.Add(Item(args, row, j), args.Stats.IsAbsent ? default : Load(args.Stats, row), out V a, out V b);
                totalA += a;
                totalB += b;
            }

            if (!sumA.IsAbsent) Set(sumA, j, totalA, addA);
            if (!sumB.IsAbsent) Set(sumB, j, totalB, addB);
        }
    }

    private void FoldRow<TOp>(TOp op, int stage, in RowArgs args, long row, ref RowNumbers<V> numbers) where TOp : unmanaged, IRow<TOp>
    {
        long n = args.X.Shape[-1];
        var kind = TOp.Kind(stage);
        V totalA = Start(kind), totalB = totalA;
        for (long j = 0; j < n; j++)
        {
            op.Fold(stage, Item(args, row, j), numbers, out V a, out V b);
            totalA = Join(kind, totalA, a);
            totalB = Join(kind, totalB, b);
        }

        op.Finish(stage, V.Of((double)n), totalA, totalB, ref numbers);
    }

    private RowItem<V> Item(in RowArgs args, long row, long column)
    {
        long i = row * args.X.Shape[-1] + column;
        return new(Get(args.X, i), GetOrZero(args.Dy, i), GetOrZero(args.Gain, column), GetOrZero(args.Bias, column));
    }

    private V GetOrZero(in View v, long index) => v.IsAbsent ? Zero : Get(v, index);

    private RowNumbers<V> Load(in View stats, long row) => new() { Shift = Get(stats, 2 * row), Scale = Get(stats, 2 * row + 1) };

    private void Save(in View stats, long row, RowNumbers<V> numbers)
    {
        Set(stats, 2 * row, numbers.Shift);
        Set(stats, 2 * row + 1, numbers.Scale);
    }
}
