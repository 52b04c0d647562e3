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
        AttentionSpans upper = AttentionSpans.Of(seen, sizes, task.Batch, row),
            lower = AttentionSpans.Of(seen, sizes, task.Batch, row + TTile.Edge / 2);
        AttentionNumbers largest = AttentionNumbers.Of(float.NegativeInfinity), sums = default;
        AttentionPiece total = default;
        int last = seen.LastKey(sizes, task.Batch, task.First + TTile.Edge - 1);
        for (int key = seen.FirstTile(sizes, task.Batch, task.First, TTile.Edge); key <= last; key += TTile.Edge)
        {
            int column = key + 4 * Group.IdxX;
            var products = room.Products(queries, task.First, keys, key, sizes.Size);
            AttentionPiece scores = new(
                AttentionScores.OfQueries(sizes, seen, upper, task.Batch, task.Head, row, column, products.Upper),
                AttentionScores.OfQueries(sizes, seen, lower, task.Batch, task.Head, row + TTile.Edge / 2, column, products.Lower));
            var next = room.Largest(largest.Max(scores.Largest));
            var fade = largest.Exp(next);
            var weights = scores.Exp(next);
            sums = sums.Times(fade).Plus(weights.Totals);
            largest = next;
            total = room.Weighed(total.Scaled(fade), weights, values, key, task.Column);
        }

        sums = room.Total(sums);
        AttentionRows results = new(y, task.Batch, task.Head, sizes.Queries, sizes.Size);
        var inverse = sums.Inverse().WhereAbove(AttentionScores.Hidden, largest);
        AttentionRoom<TTile>.Put(results, task.First, task.Column, total.Scaled(inverse));
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
            largest > AttentionScores.Hidden ? largest + G1.Log(new G1(sum)).Value : -Attend.Hidden;
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
