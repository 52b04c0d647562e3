namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Row<TOp>(TOp op, in RowArgs args) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Column<TOp>(TOp op, in RowArgs args, in View sumA, bool addA, in View sumB, bool addB) => throw new NotSupportedException();
}
