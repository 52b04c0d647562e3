using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

public readonly partial record struct Attend
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Y.Count == 0) return;
        int edge = EdgeOn(device);
        if (edge == 64) Masked<AttentionTile64>(device);
        else if (edge == 32) Masked<AttentionTile32>(device);
        else Masked<AttentionTile8>(device);
    }

    /// <summary>The edge of the tiles.</summary>
    internal int EdgeOn(GpuBackend device)
    {
        if (device.AttentionEdge != 0) return device.AttentionEdge;
        if (device.IsSimulated) return 8;
        return Q.Shape[3] <= 32 || Q.Shape[1] <= 32 || device.MostLanes < 128 ? 32 : 64;
    }

    /// <summary>A group for each task.</summary>
    internal static KernelConfig Groups<TTile>(int tasks) where TTile : unmanaged, IAttentionTile =>
        new(new Index2D(tasks, 1), new Index2D(TTile.Edge / 4, TTile.Edge / 8));

    private void Masked<TTile>(GpuBackend device) where TTile : unmanaged, IAttentionTile
    {
        if (SeesAll) Tiled<TTile, AllKeys>(device, default);
        else Tiled<TTile, SomeKeys>(device, SomeKeys.Of(this));
    }

    private void Tiled<TTile, TKeys>(GpuBackend device, TKeys keys)
        where TTile : unmanaged, IAttentionTile where TKeys : struct, IAttentionKeys
    {
        var sizes = new AttentionSizes(this, TTile.Edge);
        device.Launch(
            AttentionForwardKernel.Run<TTile, TKeys>, Groups<TTile>(sizes.QueryTasks), sizes,
            HeadView.Of(Q), HeadView.Of(K), HeadView.Of(V), HeadView.Of(Y), GpuBackend.Floats(Lse),
            GpuBackend.Floats(Top), keys);
    }
}

/// <summary>
/// The forward pass of attention (Dao et al., "FlashAttention", 2022): a group owns a tile of queries of one head and goes through the keys
/// they see, tile by tile, with the largest score so far and the sum of exponentials relative to it. A head wider than a tile is written
/// slice by slice, each by a group that makes the scores for itself.
/// </summary>
internal static class AttentionForwardKernel
{
    /// <summary>
    /// The score of a hidden key. It is a number, so that a tile without any key that a query sees gives weights, and those are multiplied
    /// by zero once the query's own scores come. Where none come, the result is zero.
    /// </summary>
    private const float Hidden = -3e38f;

    public static void Run<TTile, TKeys>(
        AttentionSizes sizes, HeadView q, HeadView k, HeadView v, HeadView y, ArrayView<float> lse, ArrayView<float> top,
        TKeys seen)
        where TTile : unmanaged, IAttentionTile where TKeys : struct, IAttentionKeys
    {
        var room = AttentionRoom<TTile>.Ask();
        var task = sizes.QueryTask(Grid.IdxX);
        int group = task.Head / sizes.HeadsPerGroup, row = task.First + 4 * Group.IdxY;
        AttentionRows queries = new(q, task.Batch, task.Head, sizes.Queries, sizes.Size);
        AttentionRows keys = new(k, task.Batch, group, sizes.Keys, sizes.Size), values = new(v, task.Batch, group, sizes.Keys, sizes.Size);
        AttentionNumbers largest = AttentionNumbers.Of(float.NegativeInfinity), sums = default;
        AttentionPiece total = default;
        int last = seen.LastKey(sizes, task.Batch, task.First + TTile.Edge - 1);
        for (int key = seen.FirstTile(sizes, task.Batch, task.First, TTile.Edge); key <= last; key += TTile.Edge)
        {
            var products = room.Products(queries, task.First, keys, key, sizes.Size);
            AttentionPiece scores = new(
                Masked(sizes, seen, task, products.Upper, row, key + 4 * Group.IdxX),
                Masked(sizes, seen, task, products.Lower, row + TTile.Edge / 2, key + 4 * Group.IdxX));
            var next = room.Largest(largest.Max(scores.Largest));
            var fade = largest.Exp(next);
            var weights = scores.Exp(next);
            sums = sums.Times(fade).Plus(weights.Totals);
            largest = next;
            total = room.Weighed(total.Scaled(fade), weights, values, key, task.Column);
        }

        sums = room.Total(sums);
        AttentionRows results = new(y, task.Batch, task.Head, sizes.Queries, sizes.Size);
        AttentionRoom<TTile>.Put(results, task.First, task.Column, total.Scaled(sums.Inverse().WhereAbove(Hidden, largest)));
        if (Group.IdxX != 0 || task.Column != 0) return;
        if (lse.Length != 0)
        {
            Keep(sizes, lse, task, row, largest.Upper, sums.Upper);
            Keep(sizes, lse, task, row + TTile.Edge / 2, largest.Lower, sums.Lower);
        }

        if (top.Length == 0) return;
        Keep(sizes, top, task, row, largest.Upper);
        Keep(sizes, top, task, row + TTile.Edge / 2, largest.Lower);
    }

    /// <summary>The scaled scores of four queries and four keys, negative infinity where a query does not see a key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Sums4 Masked<TKeys>(AttentionSizes sizes, TKeys seen, AttentionTask task, Sums4 scores, int query, int key)
        where TKeys : struct, IAttentionKeys => QuadMath.Rows(
        Masked(sizes, seen, task, scores.R0, query, key), Masked(sizes, seen, task, scores.R1, query + 1, key),
        Masked(sizes, seen, task, scores.R2, query + 2, key), Masked(sizes, seen, task, scores.R3, query + 3, key));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Masked<TKeys>(AttentionSizes sizes, TKeys seen, AttentionTask task, Quad scores, int query, int key)
        where TKeys : struct, IAttentionKeys => Quad.Of(
        Masked(sizes, seen, task, scores.X, query, key), Masked(sizes, seen, task, scores.Y, query, key + 1),
        Masked(sizes, seen, task, scores.Z, query, key + 2), Masked(sizes, seen, task, scores.W, query, key + 3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Masked<TKeys>(AttentionSizes sizes, TKeys seen, AttentionTask task, float score, int query, int key)
        where TKeys : struct, IAttentionKeys => key > sizes.LastKey(query) ? float.NegativeInfinity
        : seen.Hides(sizes, task.Batch, task.Head, query, key) ? Hidden
        : seen.Biased(sizes, task.Batch, task.Head, query, key, score * sizes.Scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(AttentionSizes sizes, ArrayView<float> lse, AttentionTask task, int row, Quad largest, Quad sums)
    {
        Keep(sizes, lse, task, row, largest.X, sums.X);
        Keep(sizes, lse, task, row + 1, largest.Y, sums.Y);
        Keep(sizes, lse, task, row + 2, largest.Z, sums.Z);
        Keep(sizes, lse, task, row + 3, largest.W, sums.W);
    }

    private static void Keep(AttentionSizes sizes, ArrayView<float> lse, AttentionTask task, int row, float largest, float sum)
    {
        if (row < sizes.Queries) lse[sizes.Place(task.Batch, task.Head, row)] =
            largest > Hidden ? largest + G1.Log(new G1(sum)).Value : -Attend.Hidden;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(AttentionSizes sizes, ArrayView<float> top, AttentionTask task, int row, Quad largest)
    {
        Keep(sizes, top, task, row, largest.X);
        Keep(sizes, top, task, row + 1, largest.Y);
        Keep(sizes, top, task, row + 2, largest.Z);
        Keep(sizes, top, task, row + 3, largest.W);
    }

    private static void Keep(AttentionSizes sizes, ArrayView<float> top, AttentionTask task, int row, float largest)
    {
        if (row < sizes.Queries) top[sizes.Place(task.Batch, task.Head, row)] =
            largest > Attend.Hidden ? largest : Attend.Hidden;
    }
}
