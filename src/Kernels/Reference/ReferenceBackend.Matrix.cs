namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Gather(in View table, in View ids, in View y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void ScatterAdd(in View dy, in View ids, in View table) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void CrossEntropy(in View logits, in View targets, int ignoreIndex, in View lse, in View loss) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void CrossEntropyBack(in View logits, in View targets, int ignoreIndex, in View lse, in View dloss, float scale, in View dlogits, bool add) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Attend(in AttentionArgs args) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void AttendBack(in AttentionArgs args) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Rotate(in View x, in View table, in View y, bool halves, bool inverse, bool add) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Dropout(in View x, in View y, float rate, in RandomKey key, bool add) => throw new NotSupportedException();
}
