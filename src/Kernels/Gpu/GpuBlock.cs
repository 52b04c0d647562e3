using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

/// <summary>A piece of an accelerator's memory.</summary>
internal sealed class GpuBlock(MemoryBuffer1D<byte, Stride1D.Dense> buffer, long bytes) : Block(bytes)
{
    public MemoryBuffer1D<byte, Stride1D.Dense> Buffer { get; } = buffer;

    /// <summary>All bytes.</summary>
    public ArrayView<byte> All => Buffer.View;
}
