using ILGPU;

namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <summary>The edge of attention's tiles, 8, 32 or 64; zero chooses by the shape.</summary>
    internal int AttentionEdge { get; set; }

    /// <inheritdoc/>
    public override void Attend(in AttentionArgs args)
    {
        if (args.Y.Count == 0) return;
        int edge = EdgeFor(args);
        if (edge == 64) Attend<AttentionTile64>(args);
        else if (edge == 32) Attend<AttentionTile32>(args);
        else Attend<AttentionTile8>(args);
    }

    /// <inheritdoc/>
    public override void AttendBack(in AttentionArgs args)
    {
        if (args.Y.Count == 0) return;
        int edge = EdgeFor(args);
        if (edge == 64) AttendBack<AttentionTile64>(args);
        else if (edge == 32) AttendBack<AttentionTile32>(args);
        else AttendBack<AttentionTile8>(args);
    }

    private void Attend<TTile>(in AttentionArgs args) where TTile : unmanaged, IAttentionTile
    {
        var sizes = new AttentionSizes(args, TTile.Edge);
        Launch(AttentionForwardKernel.Run<TTile>, Tiles<TTile>(sizes.QueryTasks), sizes, Heads(args.Q), Heads(args.K), Heads(args.V), Heads(args.Y), Floats(args.Lse));
    }

    private void AttendBack<TTile>(in AttentionArgs args) where TTile : unmanaged, IAttentionTile
    {
        var sizes = new AttentionSizes(args, TTile.Edge);
        HeadView q = Heads(args.Q), k = Heads(args.K), v = Heads(args.V), dy = Heads(args.Dy);
        lock (gate)
        {
            var means = Scratch(args.Lse.Count);
            Launch(AttentionBackwardKernels.Means, Over(means.Length), sizes, Heads(args.Y), dy, means);
            Launch(AttentionBackwardKernels.Queries<TTile>, Tiles<TTile>(sizes.QueryTasks), sizes, q, k, v, dy, Heads(args.Dq), Floats(args.Lse), means);
            Launch(
                AttentionBackwardKernels.Keys<TTile>, Tiles<TTile>(sizes.KeyTasks), sizes, q, k, v, dy, Heads(args.Dk), Heads(args.Dv), Floats(args.Lse), means);
        }
    }

    private int EdgeFor(in AttentionArgs args)
    {
        if (AttentionEdge != 0) return AttentionEdge;
        if (simulated) return 8;
        return args.Q.Shape[3] <= 32 || args.Q.Shape[1] <= 32 || accelerator.MaxNumThreadsPerGroup < 128 ? 32 : 64;
    }

    private static KernelConfig Tiles<TTile>(int tasks) where TTile : unmanaged, IAttentionTile =>
        new(new Index2D(tasks, 1), new Index2D(TTile.Edge / 4, TTile.Edge / 8));
}
