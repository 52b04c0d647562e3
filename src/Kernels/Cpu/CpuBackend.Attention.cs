namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Attend(in AttentionArgs args)
    {
        var job = new AttentionForward<L>(args, scratch);
        workers.Run(ref job, job.Chunks);
    }

    /// <inheritdoc/>
    public override void AttendBack(in AttentionArgs args)
    {
        var job = new AttentionBackward<L>(args, scratch);
        workers.Run(ref job, job.Chunks);
    }
}
