using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The specification: naive loops, one element at a time, in double (<see cref="D1"/>) or single precision (<see cref="F1"/>). The fast
/// kernels are tested against it and gradients are checked on it.
/// </summary>
/// <typeparam name="V">The number it computes in.</typeparam>
public sealed unsafe partial class ReferenceBackend<V> : Backend where V : struct, IMemoryLane<V>
{
    private readonly Func<Block, HostBlock> host;

    /// <summary>A backend for blocks in host memory.</summary>
    public ReferenceBackend() : this(static block => (HostBlock)block)
    {
    }

    /// <summary>A backend that finds the contents of other devices' blocks by <paramref name="host"/>.</summary>
    internal ReferenceBackend(Func<Block, HostBlock> host) => this.host = host;

    /// <inheritdoc/>
    public override string Name => $"reference ({(V.Type == DType.F64 ? "float64" : "float32")})";

    /// <inheritdoc/>
    public override DType Float => V.Type;

    /// <inheritdoc/>
    public override Block Allocate(long bytes) => HostMemory.Allocate(bytes);

    /// <inheritdoc/>
    public override Block Part(Block whole, long first, long bytes) => HostMemory.Part(whole, first, bytes);

    /// <inheritdoc/>
    public override void Free(Block block) => HostMemory.Free(block);

    /// <inheritdoc/>
    public override void Write(in View y, ReadOnlySpan<byte> data) => HostMemory.Write(y, data);

    /// <inheritdoc/>
    public override void Read(in View x, Span<byte> data) => HostMemory.Read(x, data);

    /// <inheritdoc/>
    public override void Run<TKernel>(in TKernel kernel) => Unsafe.AsRef(in kernel).On(this); // without a copy of the operands

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
