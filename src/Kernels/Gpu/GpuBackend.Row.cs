namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args) => throw new NotSupportedException("Row");

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB) => throw new NotSupportedException("Column");

    /// <inheritdoc/>
    public override void CrossEntropy(in View logits, in View targets, int ignoreIndex, in View lse, in View loss) => throw new NotSupportedException("CrossEntropy");

    /// <inheritdoc/>
    public override void CrossEntropyBack(
        in View logits, in View targets, int ignoreIndex, in View lse, in View dloss, float scale, in View dlogits, bool add) =>
        throw new NotSupportedException("CrossEntropyBack");
}
