using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The sizes of one attention call and how its queries are cut into blocks of rows: by shape alone.</summary>
internal readonly unsafe struct AttentionShape
{
    /// <summary>Rows of a register tile.</summary>
    public const int TileRows = 6;

    /// <summary>
    /// A block's scores and its queries stay in the nearest caches; more rows give the products of the backward pass longer sums.
    /// </summary>
    private const int MostRows = 8 * TileRows;

    public readonly int Batch, Queries, Keys, Heads, Groups, Size;
    public readonly float Scale;
    public readonly bool Causal;
    private readonly int* firstKeys; // (B, T), or null

    /// <summary>Rows of a block, a multiple of <see cref="TileRows"/>.</summary>
    public readonly int BlockRows;

    public AttentionShape(in Attend call)
    {
        (Batch, Queries, Heads, Size) = ((int)call.Q.Shape[0], (int)call.Q.Shape[1], (int)call.Q.Shape[2], (int)call.Q.Shape[3]);
        (Keys, Groups) = ((int)call.K.Shape[1], (int)call.K.Shape[2]);
        (Scale, Causal) = ((float)call.Scale, call.Causal);
        firstKeys = call.First.IsAbsent ? null : call.First.Ints();
        int blocks = Math.Max(1, Ceiling(Queries, MostRows));
        BlockRows = RoundUp(Math.Max(1, Ceiling(Queries, blocks)), TileRows);
    }

    public int Blocks => Ceiling(Queries, BlockRows);

    public int HeadsPerGroup => Heads / Groups;

    public int RowsOf(int block) => Math.Min(BlockRows, Queries - block * BlockRows);

    /// <summary>The key after the last one that query <paramref name="t"/> sees.</summary>
    public int Seen(int t) => Causal ? Math.Min(Keys, t + 1 + Keys - Queries) : Keys;

    /// <summary>The first query that sees key <paramref name="s"/>.</summary>
    public int FirstQuery(int s) => Causal ? Math.Max(0, s - (Keys - Queries)) : 0;

    /// <summary>The first key that query <paramref name="t"/> of a sequence sees.</summary>
    public int FirstKey(int b, int t) => firstKeys is null ? 0 : Math.Clamp(firstKeys[(nint)b * Queries + t], 0, Seen(t) - 1);

    /// <summary>The first key that any of some queries sees.</summary>
    public int FirstKey(int b, int start, int rows)
    {
        if (firstKeys is null) return 0;
        int first = FirstKey(b, start);
        for (int row = 1; row < rows; row++) first = Math.Min(first, FirstKey(b, start + row));
        return first;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Ceiling(int x, int divisor) => (x + divisor - 1) / divisor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int RoundUp(int x, int multiple) => Ceiling(x, multiple) * multiple;

    public static int RoundDown(int x, int multiple) => x / multiple * multiple;
}
