namespace Mayfly;

/// <summary>
/// How a product of (m, k) and (k, n) is cut. All sizes follow from the shape and the tile alone, never from the number of threads, so that
/// each element is summed in the same order however many threads there are.
/// </summary>
internal readonly struct GemmBlocks
{
    /// <summary>Summands of one pass of the kernel: a sliver of A and one of B of this depth share the first-level cache.</summary>
    private const int MaxDepth = 384;

    /// <summary>Columns of a packed panel of B.</summary>
    private const int MaxPanelColumns = 1024;

    /// <summary>Floats of a packed panel of B, 4 MiB.</summary>
    private const int MaxPanelFloats = 1 << 20;

    /// <summary>Rows of a block of C, whose part of A is packed for the second-level cache.</summary>
    private const int MaxBlockRows = 144;

    /// <summary>Blocks of rows below which the cut is made finer, to share the work evenly.</summary>
    private const int FewBlocks = 16;

    /// <summary>Summands of one pass of the kernel.</summary>
    public readonly int Depth;

    /// <summary>Columns of a panel of B, a whole number of slivers.</summary>
    public readonly int PanelColumns;

    /// <summary>Summands of a panel of B, a whole number of passes.</summary>
    public readonly int PanelDepth;

    /// <summary>Blocks into which the rows of C are cut.</summary>
    public readonly int RowBlocks;

    private readonly int tileRows;
    private readonly int rowTiles;

    /// <summary>Cuts a product for a tile of <paramref name="tileRows"/> x <paramref name="tileColumns"/>.</summary>
    public GemmBlocks(int m, int n, int k, int tileRows, int tileColumns)
    {
        this.tileRows = tileRows;
        rowTiles = Divide(m, tileRows);
        Depth = Even(k, MaxDepth, 4);
        PanelColumns = Even(n, MaxPanelColumns, tileColumns);
        PanelDepth = Even(k, Math.Max(1, MaxPanelFloats / PanelColumns / Math.Max(1, Depth)) * Depth, Depth);
        int blocks = Divide(m, MaxBlockRows);
        RowBlocks = Math.Min(rowTiles, blocks < FewBlocks ? FewBlocks : blocks);
    }

    /// <summary>The rows of C before row block <paramref name="block"/>.</summary>
    public int FirstRow(int block) => (int)((long)rowTiles * block / RowBlocks) * tileRows;

    /// <summary>How many parts of <paramref name="part"/> cover <paramref name="whole"/>.</summary>
    public static int Divide(int whole, int part) => part == 0 ? 1 : (int)(((long)whole + part - 1) / part);

    // The smallest size, a multiple of unit, that cuts the whole into as few parts as the largest size does.
    private static int Even(int whole, int largest, int unit)
    {
        if (whole == 0 || unit == 0) return 0;
        int parts = Divide(whole, largest);
        return Divide(Divide(whole, parts), unit) * unit;
    }
}
