using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The matrix products of attention in tiles of <see cref="AttentionShape.TileRows"/> rows by one or two lanes. Right operands are panels:
/// slivers of <see cref="Width"/> columns, each sliver its rows one after another.
/// </summary>
/// <typeparam name="L">The vector width.</typeparam>
internal static unsafe class AttentionTiles<L> where L : struct, ISimd<L>
{
    private const int Rows = AttentionShape.TileRows;

    /// <summary>Columns of a sliver.</summary>
    public static int Width => 2 * L.Count;

    /// <summary>
    /// scores (rows, keys) = a (rows, size) times the panel (size, keys), for the tiles of a block that starts at query
    /// <paramref name="start"/>; only lanes of keys that a tile's last row sees are written, from that of key <paramref name="first"/> on.
    /// </summary>
    public static void Scores(in AttentionShape shape, int first, int start, int rows, float* a, int aStep, float* panel, float* scores,
        int scoreStep)
    {
        int most = shape.Seen(start + AttentionShape.RoundUp(rows, Rows) - 1);
        for (int s = AttentionShape.RoundDown(first, Width); s < most; s += Width)
            for (int row = 0; row < rows; row += Rows)
            {
                int seen = shape.Seen(start + row + Rows - 1) - s;
                if (seen <= 0) continue;
                Tile(seen, shape.Size, a + row * aStep, aStep, 1, panel + (nint)s * shape.Size, scores + row * scoreStep + s, scoreStep,
                    add: false);
            }
    }

    /// <summary>
    /// y (rows, size) = weights (rows, keys) times the panel (keys, size), summed over the keys from <paramref name="first"/> on that each
    /// tile sees.
    /// </summary>
    public static void Weigh(in AttentionShape shape, int first, int start, int rows, float* weights, int weightStep, float* panel,
        float* y, int yStep)
    {
        for (int d = 0; d < shape.Size; d += Width)
            for (int row = 0; row < rows; row += Rows)
            {
                int seen = shape.Seen(start + row + Rows - 1);
                float* from = panel + (nint)d * shape.Keys + first * Width;
                Tile(shape.Size - d, seen - first, weights + row * weightStep + first, weightStep, 1, from, y + row * yStep + d, yStep,
                    add: false);
            }
    }

    /// <summary>
    /// y (keys, size) += weights (rows, keys) transposed times the panel (rows, size), summed over the rows that see the keys, for the
    /// tiles from that of key <paramref name="firstKey"/> on.
    /// </summary>
    public static void AddTransposed(in AttentionShape shape, int firstKey, int start, int rows, float* weights, int weightStep,
        float* panel, float* y, int yStep)
    {
        int most = shape.Seen(start + rows - 1);
        for (int s = AttentionShape.RoundDown(firstKey, Rows); s < most; s += Rows)
        {
            int first = Math.Max(0, shape.FirstQuery(s) - start);
            for (int d = 0; d < shape.Size; d += Width)
            {
                float* from = panel + (nint)d * shape.BlockRows + first * Width;
                Tile(shape.Size - d, rows - first, weights + first * weightStep + s, 1, weightStep, from, y + (nint)s * yStep + d, yStep,
                    add: true);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tile(int columns, int depth, float* a, nint aRow, nint aStep, float* b, float* c, nint cStep, bool add)
    {
        if (columns > L.Count) TwoLanes(depth, a, aRow, aStep, b, c, cStep, add);
        else OneLane(depth, a, aRow, aStep, b, c, cStep, add);
    }

    /// <summary>c (6, two lanes) = or += a (6, depth) times b (depth, two lanes).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoLanes(int depth, float* a, nint aRow, nint aStep, float* b, float* c, nint cStep, bool add)
    {
        L c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        L c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        nint row2 = 2 * aRow, row3 = 3 * aRow, row4 = 4 * aRow, row5 = 5 * aRow;
        for (float* end = b + (nint)depth * Width; b < end; b += Width, a += aStep)
        {
            L b0 = L.Load(b), b1 = L.Load(b + L.Count), x = L.Broadcast(a);
            c00 = L.Fma(x, b0, c00);
            c01 = L.Fma(x, b1, c01);
            x = L.Broadcast(a + aRow);
            c10 = L.Fma(x, b0, c10);
            c11 = L.Fma(x, b1, c11);
            x = L.Broadcast(a + row2);
            c20 = L.Fma(x, b0, c20);
            c21 = L.Fma(x, b1, c21);
            x = L.Broadcast(a + row3);
            c30 = L.Fma(x, b0, c30);
            c31 = L.Fma(x, b1, c31);
            x = L.Broadcast(a + row4);
            c40 = L.Fma(x, b0, c40);
            c41 = L.Fma(x, b1, c41);
            x = L.Broadcast(a + row5);
            c50 = L.Fma(x, b0, c50);
            c51 = L.Fma(x, b1, c51);
        }

        Put(c, c00, c01, add);
        Put(c += cStep, c10, c11, add);
        Put(c += cStep, c20, c21, add);
        Put(c += cStep, c30, c31, add);
        Put(c += cStep, c40, c41, add);
        Put(c + cStep, c50, c51, add);
    }

    /// <summary>c (6, one lane) = or += a (6, depth) times the first lane of b (depth, two lanes).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneLane(int depth, float* a, nint aRow, nint aStep, float* b, float* c, nint cStep, bool add)
    {
        L c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default;
        nint row2 = 2 * aRow, row3 = 3 * aRow, row4 = 4 * aRow, row5 = 5 * aRow;
        for (float* end = b + (nint)depth * Width; b < end; b += Width, a += aStep)
        {
            L b0 = L.Load(b);
            c0 = L.Fma(L.Broadcast(a), b0, c0);
            c1 = L.Fma(L.Broadcast(a + aRow), b0, c1);
            c2 = L.Fma(L.Broadcast(a + row2), b0, c2);
            c3 = L.Fma(L.Broadcast(a + row3), b0, c3);
            c4 = L.Fma(L.Broadcast(a + row4), b0, c4);
            c5 = L.Fma(L.Broadcast(a + row5), b0, c5);
        }

        Put(c, c0, add);
        Put(c += cStep, c1, add);
        Put(c += cStep, c2, add);
        Put(c += cStep, c3, add);
        Put(c += cStep, c4, add);
        Put(c + cStep, c5, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, L x, L y, bool add)
    {
        Put(c, x, add);
        Put(c + L.Count, y, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(float* c, L x, bool add) => L.Store(c, add ? L.Load(c) + x : x);
}
