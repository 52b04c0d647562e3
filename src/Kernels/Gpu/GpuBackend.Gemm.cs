namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args) => throw new NotSupportedException("Gemm");
}
