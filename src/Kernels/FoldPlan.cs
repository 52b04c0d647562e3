namespace Mayfly;

/// <summary>
/// How a fold goes through its operand: the axes kept in the result and the axes folded away, each ordered by x's strides and merged, and
/// the partition of both into tasks, which depends on the layout alone.
/// </summary>
internal unsafe struct FoldPlan
{
    private const int Task = 16384, BlockRows = 256, TileSize = 512;

    /// <summary>x and y over the kept axes.</summary>
    public readonly Walk Kept;

    /// <summary>x over the folded axes.</summary>
    public readonly Walk Folded;

    /// <summary>True where the innermost axis of x is folded away, so that lanes run along rows; else they run across columns.</summary>
    public readonly bool AlongRows;

    /// <summary>Kept elements of one task.</summary>
    public readonly long KeptTile;

    /// <summary>Folded elements of one task.</summary>
    public readonly long FoldedTile;

    /// <exception cref="NotSupportedException">Elements are of a type that is storage only.</exception>
    public FoldPlan(in View x, in View y)
    {
        if (x.IsStored || y.IsStored) throw (x.IsStored ? x : y).Stored();
        Layout xKept = x.Layout, yKept = y.Layout, xFolded = x.Layout;
        for (int axis = 0; axis < x.Shape.Rank; axis++)
        {
            bool folded = y.Shape[axis] == 1;
            if (folded) xKept = xKept with { Shape = xKept.Shape.With(axis, 1) };
            else xFolded = xFolded with { Shape = xFolded.Shape.With(axis, 1) };
        }

        Kept = new Walk([y.With(yKept), x.With(xKept)]);
        Folded = new Walk([x.With(xFolded)]);
        AlongRows = Kept.Count <= 1 || (Folded.Count > 1 && Nearest(Folded, 0) < Nearest(Kept, 1));
        FoldedTile = Math.Max(1, Math.Min(AlongRows ? Task : BlockRows, Folded.Count));
        KeptTile = AlongRows ? Math.Max(1, Task / FoldedTile) : TileSize;
    }

    /// <summary>Blocks into which the folded elements are cut.</summary>
    public readonly int FoldedBlocks => (int)Math.Max(1, (Folded.Count + FoldedTile - 1) / FoldedTile);

    /// <summary>Tiles into which the kept elements are cut.</summary>
    public readonly int KeptTiles => (int)((Kept.Count + KeptTile - 1) / KeptTile);

    private static long Nearest(in Walk walk, int operand)
    {
        long stride = Math.Abs(walk.Stride(operand, walk.Rank - 1));
        return stride == 0 ? long.MaxValue : stride;
    }
}
