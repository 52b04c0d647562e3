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

    private void Share<TJob>(TJob job, int chunks) where TJob : struct, IJob => workers.Run(ref job, chunks);

    /// <inheritdoc/>
    public override double SumSquares(in View x)
    {
        int chunks = (int)((x.Count + SumSquaresJob.ChunkSize - 1) / SumSquaresJob.ChunkSize);
        var block = Workspace.Rent(chunks * sizeof(double));
        if (x.IsStored) Share(new StoredSumSquaresJob(x, (double*)block.Pointer), chunks);
        else Share(new SumSquaresJob(new Walk([x]), (double*)block.Pointer), chunks);
        double total = 0;
        for (int i = 0; i < chunks; i++) total += ((double*)block.Pointer)[i];
        Workspace.Return(block);
        return total;
    }
}
