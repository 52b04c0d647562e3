namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Fold<TOp>(TOp op, in View x, in View y, bool add) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override double SumSquares(in View x) => throw new NotSupportedException();
}
