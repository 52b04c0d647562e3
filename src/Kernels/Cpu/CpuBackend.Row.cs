namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args)
    {
        if (args.X.Count == 0) return;
        long n = args.X.Shape[-1];
        ByUse(new RowCall<TOp>(workers, Workspace, op, args.X.Count / n, n), args);
    }

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
        long n = args.X.Shape[-1], rows = n == 0 ? 0 : args.X.Count / n, blocks = ColumnBlocks.Count(rows);
        var block = Workspace.Rent(blocks * 2 * n * sizeof(float));
        float* partials = (float*)block.Pointer;
        ByUse(new ColumnCall<TOp>(workers, op, rows, n, partials), args);
        var total = new ColumnTotalJob<L>(partials, blocks, n, sumA.Floats(), addA, sumB.Floats(), addB);
        workers.Run(ref total, (int)((n + ColumnTotalJob<L>.ChunkSize - 1) / ColumnTotalJob<L>.ChunkSize));
        Workspace.Return(block);
    }

    /// <summary>Takes the loop compiled for the operands that are there.</summary>
    private static void ByUse<TCall>(TCall call, in RowArgs args) where TCall : struct, IRowCall
    {
        switch ((args.Dy.IsAbsent ? 0 : 1) + (args.Gain.IsAbsent ? 0 : 2) + (args.Bias.IsAbsent ? 0 : 4))
        {
            case 0: call.Run<Use<No, No, No>>(args); break;
            case 1: call.Run<Use<Yes, No, No>>(args); break;
            case 2: call.Run<Use<No, Yes, No>>(args); break;
            case 3: call.Run<Use<Yes, Yes, No>>(args); break;
            case 4: call.Run<Use<No, No, Yes>>(args); break;
            case 5: call.Run<Use<Yes, No, Yes>>(args); break;
            case 6: call.Run<Use<No, Yes, Yes>>(args); break;
            default: call.Run<Use<Yes, Yes, Yes>>(args); break;
        }
    }

    private interface IRowCall
    {
        void Run<TUse>(in RowArgs args) where TUse : struct, IUse;
    }

    private readonly struct RowCall<TOp>(Workers workers, Workspace workspace, TOp op, long rows, long n) : IRowCall
        where TOp : unmanaged, IRow<TOp>
    {
        public void Run<TUse>(in RowArgs args) where TUse : struct, IUse
        {
            if (args.X.IsStored || args.Dy.IsStored || args.Y.IsStored) RunStored<TUse>(args);
            else if (args.Add) RowJob<L, TOp, TUse, Yes>.Run(workers, op, args, rows, n);
            else RowJob<L, TOp, TUse, No>.Run(workers, op, args, rows, n);
        }

        private void RunStored<TUse>(in RowArgs args) where TUse : struct, IUse
        {
            if (args.Add) StoredRowJob<L, TOp, TUse, Yes>.Run(workers, workspace, op, args, rows, n);
            else StoredRowJob<L, TOp, TUse, No>.Run(workers, workspace, op, args, rows, n);
        }
    }

    private readonly struct ColumnCall<TOp>(Workers workers, TOp op, long rows, long n, float* partials) : IRowCall
        where TOp : unmanaged, IColumn<TOp>
    {
        public void Run<TUse>(in RowArgs args) where TUse : struct, IUse =>
            ColumnJob<L, TOp, TUse>.Run(workers, op, args, rows, n, partials);
    }
}
