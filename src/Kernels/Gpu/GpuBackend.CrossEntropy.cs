namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void CrossEntropy(in View logits, in View targets, int ignoreIndex, in View lse, in View loss)
    {
        if (targets.Count == 0) return;
        int classes = checked((int)logits.Shape[-1]);
        Launch(
            CrossEntropyKernels.Forward, GroupsOfRows(targets.Count, classes), Floats(logits), classes, Ints(targets), ignoreIndex, Floats(lse), Floats(loss));
    }

    /// <inheritdoc/>
    public override void CrossEntropyBack(
        in View logits, in View targets, int ignoreIndex, in View lse, in View dloss, float scale, in View dlogits, bool add)
    {
        if (targets.Count == 0) return;
        int classes = checked((int)logits.Shape[-1]);
        Launch(
            CrossEntropyKernels.Backward, GroupsOfRows(targets.Count, classes), Floats(logits), classes, Ints(targets), ignoreIndex, Floats(lse), Floats(dloss),
            scale, Floats(dlogits), add ? 1 : 0);
    }
}
