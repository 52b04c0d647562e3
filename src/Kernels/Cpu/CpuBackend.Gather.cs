namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Gather(in View table, in View ids, in View y) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void ScatterAdd(in View dy, in View ids, in View table) => throw new NotSupportedException();
}
