namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, in View x, in View y) => Loop(new Map1Loop<L, TOp>(op), new Walk([x, y]));

    /// <inheritdoc/>
    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
        var walk = new Walk([x, dy, dx]);
        if (add) Loop(new Map1BackLoop<L, TOp, Yes>(op), walk);
        else Loop(new Map1BackLoop<L, TOp, No>(op), walk);
    }

    /// <inheritdoc/>
    public override void Map2<TOp>(TOp op, in View a, in View b, in View y) => Loop(new Map2Loop<L, TOp>(op), new Walk([a, b, y]));

    /// <inheritdoc/>
    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
        if (da.IsAbsent && db.IsAbsent) return;
        var walk = new Walk([a, b, dy, da, db]);
        if (db.IsAbsent) Loop(new Map2BackLoop<L, TOp, Yes, No>(op, addA, addB), walk);
        else if (da.IsAbsent) Loop(new Map2BackLoop<L, TOp, No, Yes>(op, addA, addB), walk);
        else Loop(new Map2BackLoop<L, TOp, Yes, Yes>(op, addA, addB), walk);
    }

    /// <inheritdoc/>
    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y) =>
        Loop(new Map3Loop<L, TOp>(op), new Walk([a, b, c, y]));

    private void Loop<TLoop>(TLoop loop, in Walk walk) where TLoop : struct, ILoop => MapJob<L, TLoop>.Run(workers, loop, walk);
}
