namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, in View x, in View y) => Loop(new Map1Loop<L, TOp>(op), [x, y]);

    /// <inheritdoc/>
    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
        if (add) Loop(new Map1BackLoop<L, TOp, Yes>(op), [x, dy, dx]);
        else Loop(new Map1BackLoop<L, TOp, No>(op), [x, dy, dx]);
    }

    /// <inheritdoc/>
    public override void Map2<TOp>(TOp op, in View a, in View b, in View y) => Loop(new Map2Loop<L, TOp>(op), [a, b, y]);

    /// <inheritdoc/>
    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
        if (da.IsAbsent && db.IsAbsent) return;
        ReadOnlySpan<View> operands = [a, b, dy, da, db];
        if (db.IsAbsent) Loop(new Map2BackLoop<L, TOp, Yes, No>(op, addA, addB), operands);
        else if (da.IsAbsent) Loop(new Map2BackLoop<L, TOp, No, Yes>(op, addA, addB), operands);
        else Loop(new Map2BackLoop<L, TOp, Yes, Yes>(op, addA, addB), operands);
    }

    /// <inheritdoc/>
    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y) =>
        Loop(new Map3Loop<L, TOp>(op), [a, b, c, y]);

    private void Loop<TLoop>(TLoop loop, ReadOnlySpan<View> operands) where TLoop : struct, ILoop
    {
        var walk = new Walk(operands);
        if (View.HasStored(operands)) StoredJob<L, TLoop>.Run(workers, loop, walk, operands);
        else MapJob<L, TLoop>.Run(workers, loop, walk);
    }
}
