using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

public sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Fold<TOp>(TOp op, in View x, in View y, bool add)
    {
        if (y.Count == 0) return;
        var plan = new FoldPlan(x, y);
        GpuAxes kept = new(plan.Kept), folded = new(plan.Folded);
        GpuSteps xKept = new(plan.Kept, 1), xFolded = new(plan.Folded, 0);
        if (plan.AlongRows)
        {
            KernelConfig groups = (Groups(kept.Count), GroupSize);
            Launch(FoldKernels.Rows, groups, op, kept, Strided(y, plan.Kept, 0), xKept, folded, xFolded, Floats(x), add ? 1 : 0);
            return;
        }

        int share = Math.Max(64, (folded.Count + 127) / 128), blocks = Math.Max(1, (folded.Count + share - 1) / share);
        lock (Gate)
        {
            var parts = Workspace((long)blocks * kept.Count);
            KernelConfig tiles = new(new Index2D(Groups((kept.Count + GroupSize - 1) / GroupSize), blocks), new Index2D(GroupSize, 1));
            Launch(FoldKernels.Columns, tiles, op, kept, xKept, folded, xFolded, Floats(x), parts, share);
            Launch(FoldKernels.Parts, Over(kept.Count), op, kept, Strided(y, plan.Kept, 0), parts, blocks, add ? 1 : 0);
        }
    }

    /// <inheritdoc/>
    public override double SumSquares(in View x)
    {
        if (x.IsStored) return SumSquaresStored(x);
        double sum = 0;
        SumSquares(new ReadOnlySpan<View>(in x), new Span<double>(ref sum));
        return sum;
    }

    /// <inheritdoc/>
    public override unsafe void SumSquares(ReadOnlySpan<View> views, Span<double> sums)
    {
        if (View.HasStored(views))
        {
            base.SumSquares(views, sums);
            return;
        }

        int groups = IsSimulated ? 2 : 128;
        var all = new double[groups * views.Length];
        lock (Gate)
        {
            var parts = Workspace(2L * all.Length).Cast<double>();
            for (int i = 0; i < views.Length; i++)
            {
                var walk = new Walk([views[i]]);
                Launch(FoldKernels.SumSquares, (groups, GroupSize), new GpuAxes(walk), Strided(views[i], walk, 0),
                    parts.SubView(groups * i, groups));
            }

            if (all.Length > 0)
                fixed (double* to = all) ReadBack(parts, to, all.Length);
        }

        for (int i = 0; i < views.Length; i++) sums[i] = all.Skip(groups * i).Take(groups).Sum();
    }

    /// <summary>Waits for numbers.</summary>
    private unsafe void ReadBack(ArrayView<double> source, double* to, int count)
    {
        Meter.Waits++;
        Meter.ReadBytes += sizeof(double) * count;
        Guarded(() => source.CopyToCPU(stream, ref *to, count));
    }
}
