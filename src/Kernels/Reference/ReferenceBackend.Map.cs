namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Fill(in View y, double value)
    {
        for (long i = 0; i < y.Count; i++) SetNumber(y, y.Layout.Place(i), value);
    }

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false)
    {
        for (long i = 0; i < y.Count; i++)
        {
            if (add) Set(y, i, Get(x, i), add);
            else SetNumber(y, y.Layout.Place(i), Number(x, x.Layout.Place(i)));
        }
    }

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, in View x, in View y)
    {
        for (long i = 0; i < y.Count; i++) Set(y, i, op.F(Get(x, i)));
    }

    /// <inheritdoc/>
    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add)
    {
        for (long i = 0; i < dx.Count; i++) Set(dx, i, TOp.D(op, Get(x, i), Get(dy, i)), add);
    }

    /// <inheritdoc/>
    public override void Map2<TOp>(TOp op, in View a, in View b, in View y)
    {
        for (long i = 0; i < y.Count; i++) Set(y, i, op.F(Get(a, i), Get(b, i)));
    }

    /// <inheritdoc/>
    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB)
    {
        for (long i = 0; i < dy.Count; i++)
        {
            V x = Get(a, i), y = Get(b, i), gradient = Get(dy, i);
            if (!da.IsAbsent) Set(da, i, TOp.DA(op, x, y, gradient), addA);
            if (!db.IsAbsent) Set(db, i, TOp.DB(op, x, y, gradient), addB);
        }
    }

    /// <inheritdoc/>
    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y)
    {
        for (long i = 0; i < y.Count; i++) Set(y, i, op.F(Get(a, i), Get(b, i), Get(c, i)));
    }
}
