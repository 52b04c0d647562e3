namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Attend(in AttentionArgs args) => throw new NotSupportedException("Attend");

    /// <inheritdoc/>
    public override void AttendBack(in AttentionArgs args) => throw new NotSupportedException("AttendBack");
}
