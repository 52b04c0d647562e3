using ILGPU;

namespace Mayfly;

public readonly partial record struct Gemm<TAct>
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (C.Count == 0) return;
        if (View.HasStored([A, B, C]))
            device.WithFloats(this, A, B, C, Beta != 0, static (x, a, b, c) => x with { A = a, B = b, C = c });
        else On(device, Plan(device));
    }

    /// <summary>The product by a given plan. C has elements.</summary>
    internal void On(GpuBackend device, GemmPlan plan)
    {
        int batch = C.Shape.Rank == 3 ? checked((int)C.Shape[0]) : 1, depth = checked((int)A.Shape[-1]);
        var sizes = new GemmSizes(batch, checked((int)C.Shape[-2]), checked((int)C.Shape[-1]), depth, depth);
        if (plan.Pieces > 1) InPieces(device, plan, sizes);
        else Multiply(device, Act, plan.Kind, sizes, Factor(A, -2, -1, PartStep(A)), Factor(B, -1, -2, PartStep(B)), Result());
    }

    /// <summary>Pieces of k are parts of a batch; their sums go to the device's work space.</summary>
    private void InPieces(GpuBackend device, GemmPlan plan, GemmSizes sizes)
    {
        int depth = sizes.Depth(0), share = (depth + plan.Pieces - 1) / plan.Pieces;
        share = (share + 15) / 16 * 16;
        int count = Math.Max(1, (depth + share - 1) / share);
        var pieces = new GemmSizes(count, sizes.M, sizes.N, share, depth - (count - 1) * share);
        lock (device.Gate)
        {
            var sums = device.Workspace(checked((long)count * sizes.Count));
            var partial = new GemmResult(
                new GemmMatrix(sums, sizes.N), sizes.Count, 1f, 0f, ArrayView<float>.Empty, default, default, sizes.N % 4 == 0 ? 1 : 0);
            GemmFactor a = Factor(A, -2, -1, share * A.Layout.Strides[-1]), b = Factor(B, -1, -2, share * B.Layout.Strides[-2]);
            Multiply(device, default(Identity), plan.Kind, pieces, a, b, partial);
            device.Launch(GemmKernels.Finish, device.Over(sizes.Count), Act, sizes, sums, count, Result());
        }
    }

    private static void Multiply<TLast>(
        GpuBackend device, TLast act, GemmKind kind, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TLast : unmanaged, IMap1<TLast>
    {
        switch (kind)
        {
            case GemmKind.Direct:
                device.Launch(GemmKernels.Direct, device.Over(sizes.Count), act, sizes, a, b, result);
                break;
            case GemmKind.Dots:
                device.Launch(GemmKernels.Dots, (device.Groups(sizes.Count), Math.Min(64, device.GroupSize)), act, sizes, a, b, result);
                break;
            case GemmKind.Narrow:
                Tiles<TLast, NarrowTile>(device, act, sizes, a, b, result);
                break;
            case GemmKind.Middle:
                Tiles<TLast, MiddleTile>(device, act, sizes, a, b, result);
                break;
            case GemmKind.Wide when device.Precision == ProductPrecision.Tf32:
                ByTensorCores<TLast, Tf32Core>(device, act, sizes, a, b, result);
                break;
            case GemmKind.Wide when device.Precision == ProductPrecision.Bf16:
                ByTensorCores<TLast, Bf16Core>(device, act, sizes, a, b, result);
                break;
            default:
                Tiles<TLast, WideTile>(device, act, sizes, a, b, result);
                break;
        }
    }

    private static void Tiles<TLast, TTile>(GpuBackend device, TLast act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TLast : unmanaged, IMap1<TLast>
        where TTile : unmanaged, IGemmTile<TTile>
    {
        device.Launch(
            GemmKernels.Tiles<TLast, TTile>, (Squares(sizes, TTile.Side), TTile.Across * TTile.Across), act, sizes, a, b, result);
    }

    private static void ByTensorCores<TLast, TCore>(
        GpuBackend device, TLast act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TLast : unmanaged, IMap1<TLast>
        where TCore : unmanaged, ITensorCore
    {
        int lanes = WideTile.Across * WideTile.Across;
        device.Launch(TensorKernel.Run<TLast, TCore>, (Squares(sizes, WideTile.Side), lanes), act, sizes, a, b, result);
    }

    private static int Squares(GemmSizes sizes, int side) =>
        checked((sizes.M + side - 1) / side * ((sizes.N + side - 1) / side) * sizes.Parts);

    /// <summary>Where a lane is a thread of the host, barriers cost far more than reading the operands again and again.</summary>
    private GemmPlan Plan(GpuBackend device)
    {
        if (device.IsSimulated) return new(GemmKind.Direct);
        bool deep = A.Layout.Strides[-1] == 1 && B.Layout.Strides[-2] == 1;
        return GemmPlan.For(C.Shape.Rank == 3 ? (int)C.Shape[0] : 1, (int)C.Shape[-2], (int)C.Shape[-1], (int)A.Shape[-1], deep);
    }

    private static GemmFactor Factor(in View view, int outer, int depth, long partStep)
    {
        var strides = view.Layout.Strides;
        long across = strides[outer], along = strides[depth];
        bool deep = along == 1 || across != 1;
        bool quads = (deep ? along : across) == 1 && view.Shape[deep ? depth : outer] % 4 == 0 && (deep ? across : along) % 4 == 0
            && view.Layout.Offset % 4 == 0 && partStep % 4 == 0;
        return new GemmFactor(GpuBackend.Floats(view), checked((int)partStep), checked((int)across), checked((int)along), quads ? 1 : 0);
    }

    private GemmResult Result()
    {
        long step = PartStep(C);
        bool quads = C.Shape[-1] % 4 == 0 && step % 4 == 0 && HasQuads(C) && HasQuads(Before) && HasQuads(Residual);
        return new GemmResult(
            Rows(C), checked((int)step), (float)Alpha, (float)Beta, GpuBackend.Floats(Bias), Rows(Before), Rows(Residual), quads ? 1 : 0);
    }

    private static bool HasQuads(in View view) => view.IsAbsent || (view.Layout.Offset % 4 == 0 && view.Layout.Strides[-2] % 4 == 0);

    private static GemmMatrix Rows(in View view) =>
        view.IsAbsent ? default : new(GpuBackend.Floats(view), checked((int)view.Layout.Strides[-2]));

    private static long PartStep(in View view) => view.Shape.Rank == 3 ? view.Layout.Strides[0] : 0;
}
