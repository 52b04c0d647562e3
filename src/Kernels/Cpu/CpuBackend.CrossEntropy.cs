namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void CrossEntropy(in View logits, in View targets, int ignoreIndex, in View lse, in View loss) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void CrossEntropyBack(in View logits, in View targets, int ignoreIndex, in View lse, in View dloss, float scale, in View dlogits, bool add) => throw new NotSupportedException();
}
