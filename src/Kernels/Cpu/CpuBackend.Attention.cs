namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Attend(in AttentionArgs args) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void AttendBack(in AttentionArgs args) => throw new NotSupportedException();
}
