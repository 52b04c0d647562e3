using ILGPU;

namespace Mayfly;

public sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args)
    {
        if (args.X.Count == 0) return;
        if (args.X.IsStored || args.Dy.IsStored || args.Y.IsStored)
        {
            RowStored(op, args);
            return;
        }

        var rows = Rows(args);
        Launch(RowKernels.Row, GroupsOfRows(rows.Count, rows.Width), op, rows);
    }

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB)
    {
        var rows = Rows(args);
        if (rows.Width == 0 || (sumA.IsAbsent && sumB.IsAbsent)) return;
        int share = Math.Max(64, (rows.Count + 127) / 128), blocks = Math.Max(1, (rows.Count + share - 1) / share);
        lock (Gate)
        {
            var parts = Workspace(2L * blocks * rows.Width);
            KernelConfig tiles = new(new Index2D(Groups((rows.Width + GroupSize - 1) / GroupSize), blocks), new Index2D(GroupSize, 1));
            Launch(RowKernels.Columns, tiles, op, rows, parts, share);
            Launch(RowKernels.Parts, Over(rows.Width), parts, blocks, rows.Width, Floats(sumA), addA ? 1 : 0, Floats(sumB), addB ? 1 : 0);
        }
    }

    private static GpuRows Rows(in RowArgs args)
    {
        int width = checked((int)args.X.Shape[-1]), count = width == 0 ? 0 : checked((int)(args.X.Count / width));
        return new GpuRows(
            count, width, Floats(args.X), Floats(args.Dy), Floats(args.Gain), Floats(args.Bias), Floats(args.Y), Floats(args.Stats),
            args.LoadStats, args.Add);
    }
}
