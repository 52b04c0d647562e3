namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Dropout(in View x, in View y, float rate, in RandomKey key, bool add) => throw new NotSupportedException();
}
