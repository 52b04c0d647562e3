using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

/// <summary>A piece of an accelerator's memory: a buffer, or a part of one.</summary>
internal sealed class GpuBlock(MemoryBuffer1D<byte, Stride1D.Dense> buffer, long bytes, long first = 0) : Block(bytes)
{
    public MemoryBuffer1D<byte, Stride1D.Dense> Buffer { get; } = buffer;

    /// <summary>All bytes.</summary>
    public ArrayView<byte> All => IsPart ? Buffer.View.SubView(first, Math.Max(Bytes, 64)) : Buffer.View;

    /// <summary>Some of the bytes.</summary>
    public GpuBlock Part(long start, long count) => new(Buffer, count, start) { IsPart = true };
}
