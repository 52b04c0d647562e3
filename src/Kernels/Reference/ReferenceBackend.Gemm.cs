namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args) => throw new NotSupportedException();
}
