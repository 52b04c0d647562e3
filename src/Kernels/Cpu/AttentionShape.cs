using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The sizes of one attention call and how its queries are cut into blocks of rows: by shape alone.</summary>
internal readonly struct AttentionShape
{
    /// <summary>Rows of a register tile.</summary>
    public const int TileRows = 6;

    /// <summary>A block's scores and its queries stay in the nearest caches; more rows give the products of the backward pass longer sums.</summary>
    private const int MostRows = 8 * TileRows;

    public readonly int Batch, Queries, Keys, Heads, Groups, Size;
    public readonly float Scale;
    public readonly bool Causal;

    /// <summary>Rows of a block, a multiple of <see cref="TileRows"/>.</summary>
    public readonly int BlockRows;

    public AttentionShape(in AttentionArgs args)
    {
        (Batch, Queries, Heads, Size) = ((int)args.Q.Shape[0], (int)args.Q.Shape[1], (int)args.Q.Shape[2], (int)args.Q.Shape[3]);
        (Keys, Groups) = ((int)args.K.Shape[1], (int)args.K.Shape[2]);
        (Scale, Causal) = (args.Scale, args.Causal);
        int blocks = Math.Max(1, Ceiling(Queries, MostRows));
        BlockRows = RoundUp(Math.Max(1, Ceiling(Queries, blocks)), TileRows);
    }

    public int Blocks => Ceiling(Queries, BlockRows);

    public int HeadsPerGroup => Heads / Groups;

    public int RowsOf(int block) => Math.Min(BlockRows, Queries - block * BlockRows);

    /// <summary>How many keys query <paramref name="t"/> sees: always the first ones.</summary>
    public int Seen(int t) => Causal ? Math.Min(Keys, t + 1 + Keys - Queries) : Keys;

    /// <summary>The first query that sees key <paramref name="s"/>.</summary>
    public int FirstQuery(int s) => Causal ? Math.Max(0, s - (Keys - Queries)) : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Ceiling(int x, int divisor) => (x + divisor - 1) / divisor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int RoundUp(int x, int multiple) => Ceiling(x, multiple) * multiple;
}

/// <summary>Where the rows of a (batch, time, heads, size) view lie.</summary>
internal readonly unsafe struct HeadRows
{
    private readonly float* start;
    private readonly nint batch, head;

    /// <summary>From one time step to the next.</summary>
    public readonly nint Step;

    public HeadRows(in View view)
    {
        start = view.Floats();
        if (view.IsAbsent) return;
        var strides = view.Layout.Strides;
        (batch, Step, head) = ((nint)strides[0], (nint)strides[1], (nint)strides[2]);
    }

    /// <summary>The row of time step <paramref name="t"/> of a head.</summary>
    public float* At(int b, int h, int t = 0) => start + b * batch + h * head + t * Step;
}
