namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Rotate(in View x, in View table, in View y, bool halves, bool inverse, bool add) => throw new NotSupportedException();
}
