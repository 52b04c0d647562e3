namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Fold<TOp>(TOp op, in View x, in View y, bool add)
    {
        var plan = new FoldPlan(x, y);
        if (plan.Kept.Count == 0) return;
        var block = Workspace.Rent(plan.FoldedBlocks * plan.Kept.Count * sizeof(double));
        double* totals = (double*)block.Pointer;
        var fold = new FoldJob<L, TOp>(op, plan, totals);
        workers.Run(ref fold, plan.FoldedBlocks * plan.KeptTiles);
        var finish = new FinishFoldJob<L, TOp>(op, plan, totals, add);
        workers.Run(ref finish, (int)((plan.Kept.Count + FinishFoldJob<L, TOp>.ChunkSize - 1) / FinishFoldJob<L, TOp>.ChunkSize));
        Workspace.Return(block);
    }

    /// <inheritdoc/>
    public override double SumSquares(in View x)
    {
        var walk = new Walk([x]);
        int chunks = (int)((walk.Count + SumSquaresJob.ChunkSize - 1) / SumSquaresJob.ChunkSize);
        var block = Workspace.Rent(chunks * sizeof(double));
        var job = new SumSquaresJob(walk, (double*)block.Pointer);
        workers.Run(ref job, chunks);
        double total = 0;
        for (int i = 0; i < chunks; i++) total += ((double*)block.Pointer)[i];
        Workspace.Return(block);
        return total;
    }
}
