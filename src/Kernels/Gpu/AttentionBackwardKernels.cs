using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>
/// The backward pass of attention (Dao et al., "FlashAttention", 2022), without atomics: with P = exp(scale Q K' - lse) made again,
/// dV = P' dY, dS = P (dY V' - means), dQ = scale dS K and dK = scale dS' Q, where means are the sums of dY Y per row. A group owns a tile of keys
/// and values, or one of queries, and a slice of the head's elements; it adds in the order of the tiles.
/// </summary>
internal static class AttentionBackwardKernels
{
    /// <summary>means[b, h, t] = dy[b, t, h] . y[b, t, h].</summary>
    public static void Means(AttentionSizes sizes, HeadView y, HeadView dy, ArrayView<float> means)
    {
        for (int i = Lanes.First; i < means.IntLength; i += Lanes.Step)
        {
            int ofHead = i / sizes.Queries, query = i - ofHead * sizes.Queries, batch = ofHead / sizes.Heads, head = ofHead - batch * sizes.Heads;
            int place = y.Row(batch, query, head), dPlace = dy.Row(batch, query, head);
            float sum = 0f;
            for (int d = 0; d < sizes.Size; d++) sum += y.Data[place + d] * dy.Data[dPlace + d];
            means[i] = sum;
        }
    }

    /// <summary>dQ: rows of the tiles are queries, columns are keys.</summary>
    public static void Queries<TTile>(
        AttentionSizes sizes, HeadView q, HeadView k, HeadView v, HeadView dy, HeadView dq, ArrayView<float> lse, ArrayView<float> means)
        where TTile : unmanaged, IAttentionTile
    {
        var room = AttentionRoom<TTile>.Ask();
        var task = sizes.QueryTask(Grid.IdxX);
        int group = task.Head / sizes.HeadsPerGroup, row = task.First + 4 * Group.IdxY;
        AttentionRows queries = new(q, task.Batch, task.Head, sizes.Queries, sizes.Size), slopes = new(dy, task.Batch, task.Head, sizes.Queries, sizes.Size);
        AttentionRows keys = new(k, task.Batch, group, sizes.Keys, sizes.Size), values = new(v, task.Batch, group, sizes.Keys, sizes.Size);
        AttentionQuad logSums = Numbers(lse, sizes, task.Batch, task.Head, row), mean = Numbers(means, sizes, task.Batch, task.Head, row);
        AttentionPiece total = default;
        int last = sizes.LastKey(task.First + TTile.Edge - 1);
        for (int key = 0; key <= last; key += TTile.Edge)
        {
            int column = key + 4 * Group.IdxX;
            var scores = room.Products(queries, task.First, keys, key, sizes.Size);
            var slope = room.Products(slopes, task.First, values, key, sizes.Size);
            AttentionPiece dScores = new(
                OfQuery(sizes, row, column, logSums.X, scores.A) * (slope.A - AttentionQuad.Of(mean.X)),
                OfQuery(sizes, row + 1, column, logSums.Y, scores.B) * (slope.B - AttentionQuad.Of(mean.Y)),
                OfQuery(sizes, row + 2, column, logSums.Z, scores.C) * (slope.C - AttentionQuad.Of(mean.Z)),
                OfQuery(sizes, row + 3, column, logSums.W, scores.D) * (slope.D - AttentionQuad.Of(mean.W)));
            total = room.Weighed(total, dScores, keys, key, task.Column);
        }

        new AttentionRows(dq, task.Batch, task.Head, sizes.Queries, sizes.Size).Put(task.First, task.Column, total.Scaled(AttentionQuad.Of(sizes.Scale)));
    }

    /// <summary>dK and dV, over all query heads that share the keys: rows of the tiles are keys, columns are queries.</summary>
    public static void Keys<TTile>(
        AttentionSizes sizes, HeadView q, HeadView k, HeadView v, HeadView dy, HeadView dk, HeadView dv, ArrayView<float> lse, ArrayView<float> means)
        where TTile : unmanaged, IAttentionTile
    {
        var room = AttentionRoom<TTile>.Ask();
        var task = sizes.KeyTask(Grid.IdxX);
        int row = task.First + 4 * Group.IdxY;
        AttentionRows keys = new(k, task.Batch, task.Head, sizes.Keys, sizes.Size), values = new(v, task.Batch, task.Head, sizes.Keys, sizes.Size);
        AttentionPiece totalK = default, totalV = default;
        for (int head = task.Head * sizes.HeadsPerGroup; head < (task.Head + 1) * sizes.HeadsPerGroup; head++)
        {
            AttentionRows queries = new(q, task.Batch, head, sizes.Queries, sizes.Size), slopes = new(dy, task.Batch, head, sizes.Queries, sizes.Size);
            for (int query = sizes.FirstTile(task.First); query < sizes.Queries; query += TTile.Edge)
            {
                int column = query + 4 * Group.IdxX;
                AttentionQuad logSums = Numbers(lse, sizes, task.Batch, head, column), mean = Numbers(means, sizes, task.Batch, head, column);
                var scores = room.Products(keys, task.First, queries, query, sizes.Size);
                var slope = room.Products(values, task.First, slopes, query, sizes.Size);
                AttentionPiece p = new(
                    OfKey(sizes, column, row, logSums, scores.A), OfKey(sizes, column, row + 1, logSums, scores.B),
                    OfKey(sizes, column, row + 2, logSums, scores.C), OfKey(sizes, column, row + 3, logSums, scores.D));
                totalV = room.Weighed(totalV, p, slopes, query, task.Column);
                AttentionPiece dScores = new(p.A * (slope.A - mean), p.B * (slope.B - mean), p.C * (slope.C - mean), p.D * (slope.D - mean));
                totalK = room.Weighed(totalK, dScores, queries, query, task.Column);
            }
        }

        new AttentionRows(dv, task.Batch, task.Head, sizes.Keys, sizes.Size).Put(task.First, task.Column, totalV);
        new AttentionRows(dk, task.Batch, task.Head, sizes.Keys, sizes.Size).Put(task.First, task.Column, totalK.Scaled(AttentionQuad.Of(sizes.Scale)));
    }

    /// <summary>The numbers of four queries, zero where there are no more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionQuad Numbers(ArrayView<float> of, AttentionSizes sizes, int batch, int head, int query)
    {
        int place = sizes.Place(batch, head, query);
        return new(
            query < sizes.Queries ? of[place] : 0f, query + 1 < sizes.Queries ? of[place + 1] : 0f,
            query + 2 < sizes.Queries ? of[place + 2] : 0f, query + 3 < sizes.Queries ? of[place + 3] : 0f);
    }

    /// <summary>The weights a query gives to four keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionQuad OfQuery(AttentionSizes sizes, int query, int key, float lse, AttentionQuad scores) => new(
        Weight(sizes, query, key, lse, scores.X), Weight(sizes, query, key + 1, lse, scores.Y),
        Weight(sizes, query, key + 2, lse, scores.Z), Weight(sizes, query, key + 3, lse, scores.W));

    /// <summary>The weights four queries give to a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionQuad OfKey(AttentionSizes sizes, int query, int key, AttentionQuad lse, AttentionQuad scores) => new(
        Weight(sizes, query, key, lse.X, scores.X), Weight(sizes, query + 1, key, lse.Y, scores.Y),
        Weight(sizes, query + 2, key, lse.Z, scores.Z), Weight(sizes, query + 3, key, lse.W, scores.W));

    private static float Weight(AttentionSizes sizes, int query, int key, float lse, float score) =>
        sizes.Sees(query, key) ? G1.Exp(new G1(score * sizes.Scale - lse)).Value : 0f;
}
