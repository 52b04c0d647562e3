using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

public readonly partial record struct AttendBack
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Dy.Count == 0) return;
        int edge = Forward.EdgeOn(device);
        if (edge == 64) Masked<AttentionTile64>(device);
        else if (edge == 32) Masked<AttentionTile32>(device);
        else Masked<AttentionTile8>(device);
    }

    private void Masked<TTile>(GpuBackend device) where TTile : unmanaged, IAttentionTile
    {
        if (Forward.SeesAll) Tiled<TTile, AllKeys>(device, default);
        else Tiled<TTile, SomeKeys>(device, SomeKeys.Of(Forward));
    }

    private void Tiled<TTile, TKeys>(GpuBackend device, TKeys seen)
        where TTile : unmanaged, IAttentionTile where TKeys : struct, IAttentionKeys
    {
        var sizes = new AttentionSizes(Forward, TTile.Edge);
        HeadView q = HeadView.Of(Forward.Q), k = HeadView.Of(Forward.K), v = HeadView.Of(Forward.V);
        HeadView dy = HeadView.Of(Dy), dq = HeadView.Of(Dq);
        KernelConfig ofQueries = Attend.Groups<TTile>(sizes.QueryTasks), ofKeys = Attend.Groups<TTile>(sizes.KeyTasks);
        var lse = GpuBackend.Floats(Forward.Lse);
        lock (device.Gate)
        {
            var means = device.Workspace(Forward.Lse.Count);
            device.Launch(AttentionBackwardKernels.Means, device.Over(means.Length), sizes, HeadView.Of(Forward.Y), dy, means);
            device.Launch(AttentionBackwardKernels.Queries<TTile, TKeys>, ofQueries, sizes, q, k, v, dy, dq, lse, means, seen);
            device.Launch(
                AttentionBackwardKernels.Keys<TTile, TKeys>, ofKeys, sizes, q, k, v, dy, HeadView.Of(Dk), HeadView.Of(Dv), lse, means,
                seen);
        }
    }
}

/// <summary>
/// The backward pass of attention (Dao et al., "FlashAttention", 2022), without atomics: with P = exp(scale Q K' - lse) made again, dV = P'
/// dY, dS = P (dY V' - means), dQ = scale dS K and dK = scale dS' Q, where means are the sums of dY Y per row. A group owns a tile of keys
/// and values, or one of queries, and a slice of the head's elements; it adds in the order of the tiles.
/// </summary>
internal static class AttentionBackwardKernels
{
    /// <summary>means[b, h, t] = dy[b, t, h] . y[b, t, h].</summary>
    public static void Means(AttentionSizes sizes, HeadView y, HeadView dy, ArrayView<float> means)
    {
        for (int i = Lanes.First; i < means.IntLength; i += Lanes.Step)
        {
            int ofHead = i / sizes.Queries, query = i - ofHead * sizes.Queries, batch = ofHead / sizes.Heads,
                head = ofHead - batch * sizes.Heads;
            int place = y.Row(batch, query, head), dPlace = dy.Row(batch, query, head);
            float sum = 0f;
            for (int d = 0; d < sizes.Size; d++) sum += y.Data[place + d] * dy.Data[dPlace + d];
            means[i] = sum;
        }
    }

    /// <summary>dQ: rows of the tiles are queries, columns are keys.</summary>
    public static void Queries<TTile, TKeys>(
        AttentionSizes sizes, HeadView q, HeadView k, HeadView v, HeadView dy, HeadView dq, ArrayView<float> lse, ArrayView<float> means,
        TKeys seen)
        where TTile : unmanaged, IAttentionTile where TKeys : struct, IAttentionKeys
    {
        var room = AttentionRoom<TTile>.Ask();
        var task = sizes.QueryTask(Grid.IdxX);
        int group = task.Head / sizes.HeadsPerGroup, row = task.First + 4 * Group.IdxY;
        AttentionRows queries = new(q, task.Batch, task.Head, sizes.Queries, sizes.Size),
            slopes = new(dy, task.Batch, task.Head, sizes.Queries, sizes.Size);
        AttentionRows keys = new(k, task.Batch, group, sizes.Keys, sizes.Size), values = new(v, task.Batch, group, sizes.Keys, sizes.Size);
        AttentionNumbers logSums = Rows<TTile>(lse, sizes, task), mean = Rows<TTile>(means, sizes, task);
        AttentionSpans upper = AttentionSpans.Of(seen, sizes, task.Batch, row),
            lower = AttentionSpans.Of(seen, sizes, task.Batch, row + TTile.Edge / 2);
        AttentionPiece total = default;
        int last = seen.LastKey(sizes, task.Batch, task.First + TTile.Edge - 1);
        for (int key = seen.FirstTile(sizes, task.Batch, task.First, TTile.Edge); key <= last; key += TTile.Edge)
        {
            int column = key + 4 * Group.IdxX;
            var products = room.Products(queries, task.First, keys, key, sizes.Size);
            var slope = room.Products(slopes, task.First, values, key, sizes.Size);
            AttentionPiece scores = new(
                AttentionScores.OfQueries(sizes, seen, upper, task.Batch, task.Head, row, column, products.Upper),
                AttentionScores.OfQueries(sizes, seen, lower, task.Batch, task.Head, row + TTile.Edge / 2, column, products.Lower));
            var weights = scores.Exp(logSums);
            AttentionPiece dScores = new(
                OfQueries(weights.Upper, slope.Upper, mean.Upper), OfQueries(weights.Lower, slope.Lower, mean.Lower));
            total = room.Weighed(total, dScores, keys, key, task.Column);
        }

        AttentionRows results = new(dq, task.Batch, task.Head, sizes.Queries, sizes.Size);
        AttentionRoom<TTile>.Put(results, task.First, task.Column, total.Scaled(AttentionNumbers.Of(sizes.Scale)));
    }

    /// <summary>dK and dV, over all query heads that share the keys: rows of the tiles are keys, columns are queries.</summary>
    public static void Keys<TTile, TKeys>(
        AttentionSizes sizes, HeadView q, HeadView k, HeadView v, HeadView dy, HeadView dk, HeadView dv,
        ArrayView<float> lse, ArrayView<float> means, TKeys seen)
        where TTile : unmanaged, IAttentionTile where TKeys : struct, IAttentionKeys
    {
        var room = AttentionRoom<TTile>.Ask();
        var task = sizes.KeyTask(Grid.IdxX);
        int row = task.First + 4 * Group.IdxY;
        AttentionRows keys = new(k, task.Batch, task.Head, sizes.Keys, sizes.Size),
            values = new(v, task.Batch, task.Head, sizes.Keys, sizes.Size);
        AttentionPiece totalK = default, totalV = default;
        for (int head = task.Head * sizes.HeadsPerGroup; head < (task.Head + 1) * sizes.HeadsPerGroup; head++)
        {
            AttentionRows queries = new(q, task.Batch, head, sizes.Queries, sizes.Size),
                slopes = new(dy, task.Batch, head, sizes.Queries, sizes.Size);
            for (int query = sizes.FirstTile(task.First); query < sizes.Queries; query += TTile.Edge)
            {
                int column = query + 4 * Group.IdxX;
                Quad logSums = Numbers(lse, sizes, task.Batch, head, column), mean = Numbers(means, sizes, task.Batch, head, column);
                var spans = AttentionSpans.Of(seen, sizes, task.Batch, column);
                var products = room.Products(keys, task.First, queries, query, sizes.Size);
                var slope = room.Products(values, task.First, slopes, query, sizes.Size);
                AttentionPiece weights = new(
                    Weights(AttentionScores.OfKeys(sizes, seen, spans, task.Batch, head, column, row, products.Upper), logSums),
                    Weights(
                        AttentionScores.OfKeys(sizes, seen, spans, task.Batch, head, column, row + TTile.Edge / 2, products.Lower),
                        logSums));
                totalV = room.Weighed(totalV, weights, slopes, query, task.Column);
                AttentionPiece dScores = new(Gradients(weights.Upper, slope.Upper, mean), Gradients(weights.Lower, slope.Lower, mean));
                totalK = room.Weighed(totalK, dScores, queries, query, task.Column);
            }
        }

        AttentionRows resultsV = new(dv, task.Batch, task.Head, sizes.Keys, sizes.Size),
            resultsK = new(dk, task.Batch, task.Head, sizes.Keys, sizes.Size);
        AttentionRoom<TTile>.Put(resultsV, task.First, task.Column, totalV);
        AttentionRoom<TTile>.Put(resultsK, task.First, task.Column, totalK.Scaled(AttentionNumbers.Of(sizes.Scale)));
    }

    /// <summary>The numbers of a lane's rows of queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static AttentionNumbers Rows<TTile>(ArrayView<float> of, AttentionSizes sizes, AttentionTask task)
        where TTile : unmanaged, IAttentionTile
    {
        int row = task.First + 4 * Group.IdxY;
        return new(Numbers(of, sizes, task.Batch, task.Head, row), Numbers(of, sizes, task.Batch, task.Head, row + TTile.Edge / 2));
    }

    /// <summary>The numbers of four queries, zero where there are no more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Numbers(ArrayView<float> of, AttentionSizes sizes, int batch, int head, int query)
    {
        int place = sizes.Place(batch, head, query);
        return Quad.Of(
            query < sizes.Queries ? of[place] : 0f, query + 1 < sizes.Queries ? of[place + 1] : 0f,
            query + 2 < sizes.Queries ? of[place + 2] : 0f, query + 3 < sizes.Queries ? of[place + 3] : 0f);
    }

    /// <summary>The gradients of the scores of four queries (rows) and four keys, from their weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums4 OfQueries(Sums4 weights, Sums4 slopes, Quad mean) => QuadMath.Rows(
        QuadMath.Times(weights.R0, QuadMath.Minus(slopes.R0, QuadMath.All(mean.X))),
        QuadMath.Times(weights.R1, QuadMath.Minus(slopes.R1, QuadMath.All(mean.Y))),
        QuadMath.Times(weights.R2, QuadMath.Minus(slopes.R2, QuadMath.All(mean.Z))),
        QuadMath.Times(weights.R3, QuadMath.Minus(slopes.R3, QuadMath.All(mean.W))));

    /// <summary>The gradients of the scores of four queries and four keys (rows), from their weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums4 Gradients(Sums4 weights, Sums4 slopes, Quad mean) => QuadMath.Rows(
        QuadMath.Times(weights.R0, QuadMath.Minus(slopes.R0, mean)), QuadMath.Times(weights.R1, QuadMath.Minus(slopes.R1, mean)),
        QuadMath.Times(weights.R2, QuadMath.Minus(slopes.R2, mean)), QuadMath.Times(weights.R3, QuadMath.Minus(slopes.R3, mean)));

    /// <summary>The weights of four keys (rows) and four queries, whose log-sums are those of the columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums4 Weights(Sums4 scores, Quad lse) => QuadMath.Rows(
        QuadMath.Exp(QuadMath.Minus(scores.R0, lse), 0f), QuadMath.Exp(QuadMath.Minus(scores.R1, lse), 0f),
        QuadMath.Exp(QuadMath.Minus(scores.R2, lse), 0f), QuadMath.Exp(QuadMath.Minus(scores.R3, lse), 0f));
}
