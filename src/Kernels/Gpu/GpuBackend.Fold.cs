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
}
