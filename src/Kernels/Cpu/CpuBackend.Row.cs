namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args)
    {
        if (args.X.Count == 0) return;
        long n = args.X.Shape[-1], rows = args.X.Count / n;
        switch (Operands(args))
        {
            case 0: Row<TOp, Use<No, No, No>>(op, args, rows, n); break;
            case 1: Row<TOp, Use<Yes, No, No>>(op, args, rows, n); break;
            case 2: Row<TOp, Use<No, Yes, No>>(op, args, rows, n); break;
            case 3: Row<TOp, Use<Yes, Yes, No>>(op, args, rows, n); break;
            case 4: Row<TOp, Use<No, No, Yes>>(op, args, rows, n); break;
            case 5: Row<TOp, Use<Yes, No, Yes>>(op, args, rows, n); break;
            case 6: Row<TOp, Use<No, Yes, Yes>>(op, args, rows, n); break;
            default: Row<TOp, Use<Yes, Yes, Yes>>(op, args, rows, n); break;
        }
    }

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
        long n = args.X.Shape[-1], rows = n == 0 ? 0 : args.X.Count / n, blocks = ColumnBlocks.Count(rows);
        var block = scratch.Rent(blocks * 2 * n * sizeof(float));
        float* partials = (float*)block.Pointer;
        switch (Operands(args))
        {
            case 0: ColumnJob<L, TOp, Use<No, No, No>>.Run(workers, op, args, rows, n, partials); break;
            case 1: ColumnJob<L, TOp, Use<Yes, No, No>>.Run(workers, op, args, rows, n, partials); break;
            case 2: ColumnJob<L, TOp, Use<No, Yes, No>>.Run(workers, op, args, rows, n, partials); break;
            case 3: ColumnJob<L, TOp, Use<Yes, Yes, No>>.Run(workers, op, args, rows, n, partials); break;
            case 4: ColumnJob<L, TOp, Use<No, No, Yes>>.Run(workers, op, args, rows, n, partials); break;
            case 5: ColumnJob<L, TOp, Use<Yes, No, Yes>>.Run(workers, op, args, rows, n, partials); break;
            case 6: ColumnJob<L, TOp, Use<No, Yes, Yes>>.Run(workers, op, args, rows, n, partials); break;
            default: ColumnJob<L, TOp, Use<Yes, Yes, Yes>>.Run(workers, op, args, rows, n, partials); break;
        }

        var total = new ColumnTotalJob<L>(partials, blocks, n, sumA.Floats(), addA, sumB.Floats(), addB);
        workers.Run(ref total, (int)((n + ColumnTotalJob<L>.ChunkSize - 1) / ColumnTotalJob<L>.ChunkSize));
        scratch.Return(block);
    }

    private static int Operands(in RowArgs args) => (args.Dy.IsAbsent ? 0 : 1) + (args.Gain.IsAbsent ? 0 : 2) + (args.Bias.IsAbsent ? 0 : 4);

    private void Row<TOp, TUse>(TOp op, in RowArgs args, long rows, long n) where TOp : unmanaged, IRow<TOp> where TUse : struct, IUse
    {
        if (args.Add) RowJob<L, TOp, TUse, Yes>.Run(workers, op, args, rows, n);
        else RowJob<L, TOp, TUse, No>.Run(workers, op, args, rows, n);
    }
}
