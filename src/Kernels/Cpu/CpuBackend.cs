namespace Mayfly;

/// <summary>The CPU in single precision: managed SIMD loops over lanes of type <typeparamref name="L"/>, shared among worker threads.</summary>
/// <typeparam name="L">The vector width: <see cref="F4"/>, <see cref="F8"/> or <see cref="F16"/>.</typeparam>
public sealed unsafe partial class CpuBackend<L>(int threads) : Backend where L : struct, ISimd<L>
{
    private readonly Workers workers = new(threads);
    private readonly Scratch scratch = new();

    /// <inheritdoc/>
    public override string Name => $"cpu ({32 * L.Count}-bit vectors, {workers.Threads} {(workers.Threads == 1 ? "thread" : "threads")})";

    /// <inheritdoc/>
    public override DType Float => DType.F32;

    /// <inheritdoc/>
    public override Block Allocate(long bytes) => HostMemory.Allocate(bytes);

    /// <inheritdoc/>
    public override void Free(Block block) => HostMemory.Free(block);

    /// <inheritdoc/>
    public override void Write(in View y, ReadOnlySpan<byte> data) => HostMemory.Write(y, data);

    /// <inheritdoc/>
    public override void Read(in View x, Span<byte> data) => HostMemory.Read(x, data);

    /// <inheritdoc/>
    public override void Dispose()
    {
        workers.Dispose();
        scratch.Dispose();
    }
}
