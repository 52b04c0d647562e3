namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args)
    {
        if (args.C.Count == 0) return;
        var c = args.C.Shape;
        int depth = checked((int)args.A.Shape[-1]);
        var sizes = new GemmSizes(c.Rank == 3 ? checked((int)c[0]) : 1, checked((int)c[-2]), checked((int)c[-1]), depth, depth);
        Launch(GemmKernels.Direct, Over(args.C.Count), act, sizes, Operand(args.A, -2, -1), Operand(args.B, -1, -2), Result(args));
    }

    private static GemmFactor Operand(in View view, int outer, int depth)
    {
        var strides = view.Layout.Strides;
        return new GemmFactor(Floats(view), BatchStep(view), checked((int)strides[outer]), checked((int)strides[depth]), 0);
    }

    private static GemmResult Result(in GemmArgs args) => new(
        Rows(args.C), BatchStep(args.C), (float)args.Alpha, (float)args.Beta, Floats(args.Bias), Rows(args.Before), Rows(args.Residual));

    private static GemmMatrix Rows(in View view) => new(Floats(view), view.IsAbsent ? 0 : checked((int)view.Layout.Strides[-2]));

    private static int BatchStep(in View view) => view.Shape.Rank == 3 ? checked((int)view.Layout.Strides[0]) : 0;
}
