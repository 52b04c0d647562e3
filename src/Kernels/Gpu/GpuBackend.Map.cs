namespace Mayfly;

public sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, in View x, in View y)
    {
        if (y.Count == 0) return;
        if (x.IsStored || y.IsStored)
        {
            using var floats = new FloatOperands(this);
            Map(op, floats.Read(x), floats.Write(y));
            return;
        }

        if (x == y && x.Layout.IsContiguous)
        {
            Update(new InPlace<TOp>(op), x, x, default, default);
            return;
        }

        var walk = new Walk([x, y]);
        Launch(MapKernels.Map, Over(walk.Count), op, new GpuAxes(walk), Strided(x, walk, 0), Strided(y, walk, 1));
    }

    /// <inheritdoc/>
    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
        if (dx.Count == 0) return;
        if (x.IsStored)
        {
            using var floats = new FloatOperands(this);
            MapBack(op, floats.Read(x), dy, dx, add);
            return;
        }

        var walk = new Walk([x, dy, dx]);
        Launch(
            MapKernels.MapBack, Over(walk.Count), op, new GpuAxes(walk), Strided(x, walk, 0), Strided(dy, walk, 1), Strided(dx, walk, 2),
            add ? 1 : 0);
    }

    /// <inheritdoc/>
    public override void Map2<TOp>(TOp op, in View a, in View b, in View y)
    {
        if (y.Count == 0) return;
        if (a.IsStored || b.IsStored)
        {
            using var floats = new FloatOperands(this);
            Map2(op, floats.Read(a), floats.Read(b), y);
            return;
        }

        var walk = new Walk([a, b, y]);
        Launch(MapKernels.Map2, Over(walk.Count), op, new GpuAxes(walk), Strided(a, walk, 0), Strided(b, walk, 1), Strided(y, walk, 2));
    }

    /// <inheritdoc/>
    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
        if (dy.Count == 0 || (da.IsAbsent && db.IsAbsent)) return;
        if (a.IsStored || b.IsStored)
        {
            using var floats = new FloatOperands(this);
            Map2Back(op, floats.Read(a), floats.Read(b), dy, da, addA, db, addB);
            return;
        }

        var walk = new Walk([a, b, dy, da, db]);
        Launch(
            MapKernels.Map2Back, Over(walk.Count), op, new GpuAxes(walk), Strided(a, walk, 0), Strided(b, walk, 1), Strided(dy, walk, 2),
            Strided(da, walk, 3), addA ? 1 : 0, Strided(db, walk, 4), addB ? 1 : 0);
    }

    /// <inheritdoc/>
    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y)
    {
        if (y.Count == 0) return;
        var walk = new Walk([a, b, c, y]);
        Launch(
            MapKernels.Map3, Over(walk.Count), op, new GpuAxes(walk), Strided(a, walk, 0), Strided(b, walk, 1), Strided(c, walk, 2),
            Strided(y, walk, 3));
    }
}
