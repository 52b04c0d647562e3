namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Fill(in View y, double value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Map<TOp>(TOp op, in View x, in View y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void MapBack<TOp>(TOp op, in View x, in View dy, in View dx, bool add) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Map2<TOp>(TOp op, in View a, in View b, in View y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Map2Back<TOp>(TOp op, in View a, in View b, in View dy, in View da, bool addA, in View db, bool addB) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Map3<TOp>(TOp op, in View a, in View b, in View c, in View y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Fold<TOp>(TOp op, in View x, in View y, bool add) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override double SumSquares(in View x) => throw new NotSupportedException();
}
