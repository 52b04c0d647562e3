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
    public readonly bool Causal, HasBias;
    private readonly int* firstKeys, lengths; // (B, T) and (B), or null
    private readonly HeadRows bias; // (B, T, H, S), or null
    private readonly int window, after; // query t sees no key from t + Keys - Queries + after on

    /// <summary>Rows of a block, a multiple of <see cref="TileRows"/>.</summary>
    public readonly int BlockRows;

    public AttentionShape(in Attend call)
    {
        (Batch, Queries, Heads, Size) = ((int)call.Q.Shape[0], (int)call.Q.Shape[1], (int)call.Q.Shape[2], (int)call.Q.Shape[3]);
        (Keys, Groups) = ((int)call.K.Shape[1], (int)call.K.Shape[2]);
        (Scale, Causal) = ((float)call.Scale, call.Causal);
        firstKeys = call.First.Ints();
        lengths = call.Lengths.Ints();
        bias = new HeadRows(call.Bias);
        HasBias = !call.Bias.IsAbsent;
        window = call.Window;
        after = Causal ? 1 : window > 0 ? Math.Min(window, Keys) : Keys + Queries;
        Limit = Keys;
        int blocks = Math.Max(1, Ceiling(Queries, MostRows));
        BlockRows = RoundUp(Math.Max(1, Ceiling(Queries, blocks)), TileRows);
    }

    /// <summary>The keys of the sequence, less padding at their end; all of them until <see cref="Of"/> asks for one.</summary>
    public int Limit { get; private init; }

    /// <summary>The shape for one sequence.</summary>
    public AttentionShape Of(int b) => lengths is null ? this : this with { Limit = Math.Clamp(lengths[b], 1, Keys) };

    public int Blocks => Ceiling(Queries, BlockRows);

    /// <summary>The place of a query's number in (B, H, T).</summary>
    public nint Place(int b, int h, int t) => ((nint)b * Heads + h) * Queries + t;

    public int HeadsPerGroup => Heads / Groups;

    public int RowsOf(int block) => Math.Min(BlockRows, Queries - block * BlockRows);

    /// <summary>The key after the last one that query <paramref name="t"/> sees.</summary>
    public int Seen(int t) => Math.Clamp(t + Keys - Queries + after, 1, Limit);

    /// <summary>The first query that sees key <paramref name="s"/>.</summary>
    public int FirstQuery(int s) => s == 0 ? 0 : Math.Max(0, s - (Keys - Queries) - after + 1);

    /// <summary>The first key that query <paramref name="t"/> of a sequence sees.</summary>
    public int FirstKey(int b, int t)
    {
        int first = firstKeys is null ? 0 : firstKeys[(nint)b * Queries + t];
        if (window > 0) first = Math.Max(first, t + Keys - Queries - window + 1);
        return Math.Clamp(first, 0, Seen(t) - 1);
    }

    /// <summary>The first key that any of some queries sees.</summary>
    public int FirstKey(int b, int start, int rows)
    {
        if (firstKeys is null && window == 0) return 0;
        int first = FirstKey(b, start);
        for (int row = 1; row < rows; row++) first = Math.Min(first, FirstKey(b, start + row));
        return first;
    }

    /// <summary>Adds the bias to the scores of a query, from key <paramref name="first"/> up to <paramref name="end"/>.</summary>
    public void AddBias<L>(float* scores, int b, int h, int t, int first, int end) where L : struct, ISimd<L>
    {
        float* from = bias.At(b, h, t);
        int s = first;
        for (; s <= end - L.Count; s += L.Count)
            L.Store(scores + s, L.MaxNative(L.Load(scores + s) + L.Load(from + s), L.Of(Attend.Hidden)));
        for (; s < end; s++) scores[s] = Math.Max(scores[s] + from[s], Attend.Hidden);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Ceiling(int x, int divisor) => (x + divisor - 1) / divisor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int RoundUp(int x, int multiple) => Ceiling(x, multiple) * multiple;

    public static int RoundDown(int x, int multiple) => x / multiple * multiple;
}
