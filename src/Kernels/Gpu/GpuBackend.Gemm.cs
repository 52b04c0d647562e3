using ILGPU;

namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args)
    {
        if (args.C.Count > 0) Gemm(act, args, Plan(args));
    }

    /// <summary>The product by a given plan. C has elements.</summary>
    internal void Gemm<TAct>(TAct act, in GemmArgs args, GemmPlan plan) where TAct : unmanaged, IMap1<TAct>
    {
        var c = args.C.Shape;
        int batch = c.Rank == 3 ? checked((int)c[0]) : 1, m = checked((int)c[-2]), n = checked((int)c[-1]), depth = checked((int)args.A.Shape[-1]);
        var sizes = new GemmSizes(batch, m, n, depth, depth);
        if (plan.Pieces == 1) Multiply(act, plan.Kind, sizes, Factor(args.A, -2, -1, PartStep(args.A)), Factor(args.B, -1, -2, PartStep(args.B)), Result(args));
        else InPieces(act, args, plan, sizes);
    }

    /// <summary>Pieces of k are parts of a batch; their sums go to the scratch memory.</summary>
    private void InPieces<TAct>(TAct act, in GemmArgs args, GemmPlan plan, GemmSizes sizes) where TAct : unmanaged, IMap1<TAct>
    {
        int depth = sizes.Depth(0), share = (depth + plan.Pieces - 1) / plan.Pieces;
        share = (share + 15) / 16 * 16;
        int count = Math.Max(1, (depth + share - 1) / share);
        var pieces = new GemmSizes(count, sizes.M, sizes.N, share, depth - (count - 1) * share);
        lock (gate)
        {
            var sums = Scratch(checked((long)count * sizes.Count));
            var partial = new GemmResult(
                new GemmMatrix(sums, sizes.N), sizes.Count, 1f, 0f, ArrayView<float>.Empty, default, default, sizes.N % 4 == 0 ? 1 : 0);
            Multiply(
                default(Identity), plan.Kind, pieces, Factor(args.A, -2, -1, share * args.A.Layout.Strides[-1]),
                Factor(args.B, -1, -2, share * args.B.Layout.Strides[-2]), partial);
            Launch(GemmKernels.Finish, Over(sizes.Count), act, sizes, sums, count, Result(args));
        }
    }

    private void Multiply<TAct>(TAct act, GemmKind kind, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
    {
        switch (kind)
        {
            case GemmKind.Direct:
                Launch(GemmKernels.Direct, Over(sizes.Count), act, sizes, a, b, result);
                break;
            case GemmKind.Dots:
                Launch(GemmKernels.Dots, (Groups(sizes.Count), Math.Min(64, GroupSize)), act, sizes, a, b, result);
                break;
            case GemmKind.Narrow:
                Tiles<TAct, NarrowTile>(act, sizes, a, b, result);
                break;
            case GemmKind.Middle:
                Tiles<TAct, MiddleTile>(act, sizes, a, b, result);
                break;
            default:
                Tiles<TAct, WideTile>(act, sizes, a, b, result);
                break;
        }
    }

    private void Tiles<TAct, TTile>(TAct act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
        where TTile : unmanaged, IGemmTile<TTile>
    {
        int side = TTile.Side, squares = checked((sizes.M + side - 1) / side * ((sizes.N + side - 1) / side) * sizes.Parts);
        Launch(GemmKernels.Tiles<TAct, TTile>, (squares, TTile.Across * TTile.Across), act, sizes, a, b, result);
    }

    /// <summary>Where a lane is a thread of the host, barriers cost far more than reading the operands again and again.</summary>
    private GemmPlan Plan(in GemmArgs args)
    {
        if (simulated) return new(GemmKind.Direct);
        var c = args.C.Shape;
        bool deep = args.A.Layout.Strides[-1] == 1 && args.B.Layout.Strides[-2] == 1;
        return GemmPlan.For(c.Rank == 3 ? (int)c[0] : 1, (int)c[-2], (int)c[-1], (int)args.A.Shape[-1], deep);
    }

    private static GemmFactor Factor(in View view, int outer, int depth, long partStep)
    {
        var strides = view.Layout.Strides;
        long across = strides[outer], along = strides[depth];
        bool deep = along == 1 || across != 1;
        bool quads = (deep ? along : across) == 1 && view.Shape[deep ? depth : outer] % 4 == 0 && (deep ? across : along) % 4 == 0
            && view.Layout.Offset % 4 == 0 && partStep % 4 == 0;
        return new GemmFactor(Floats(view), checked((int)partStep), checked((int)across), checked((int)along), quads ? 1 : 0);
    }

    private static GemmResult Result(in GemmArgs args)
    {
        long step = PartStep(args.C);
        bool quads = args.C.Shape[-1] % 4 == 0 && step % 4 == 0 && HasQuads(args.C) && HasQuads(args.Before) && HasQuads(args.Residual);
        return new GemmResult(
            Rows(args.C), checked((int)step), (float)args.Alpha, (float)args.Beta, Floats(args.Bias), Rows(args.Before), Rows(args.Residual), quads ? 1 : 0);
    }

    private static bool HasQuads(in View view) => view.IsAbsent || (view.Layout.Offset % 4 == 0 && view.Layout.Strides[-2] % 4 == 0);

    private static GemmMatrix Rows(in View view) => view.IsAbsent ? default : new(Floats(view), checked((int)view.Layout.Strides[-2]));

    private static long PartStep(in View view) => view.Shape.Rank == 3 ? view.Layout.Strides[0] : 0;
}
