using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The CPU in single precision: managed SIMD loops over lanes of type <typeparamref name="L"/>, shared among worker threads.
/// </summary>
/// <typeparam name="L">The vector width: <see cref="F4"/>, <see cref="F8"/> or <see cref="F16"/>.</typeparam>
public sealed unsafe partial class CpuBackend<L>(int threads) : Backend where L : struct, ISimd<L>
{
    private static readonly ReferenceBackend<F1> naive = new();
    private readonly Workers workers = new(threads);

    /// <summary>Threads that compute.</summary>
    public int Threads => workers.Threads;

    /// <summary>Working memory for its kernels.</summary>
    internal Workspace Workspace { get; } = new();

    /// <inheritdoc/>
    public override string Name => $"cpu ({32 * L.Count}-bit vectors, {workers.Threads} {(workers.Threads == 1 ? "thread" : "threads")})";

    /// <inheritdoc/>
    public override DType Float => DType.F32;

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

    /// <summary>
    /// Does all chunks of a job, shared among the threads, and returns when they are done; an exception in a chunk is thrown here.
    /// </summary>
    /// <param name="job">It is copied: its chunks write to memory, not to its fields.</param>
    /// <param name="chunks">Their number. A chunk may itself share a job, which its own thread then does alone.</param>
    public void Share<TJob>(ref TJob job, long chunks) where TJob : struct, IJob => workers.Run(ref job, checked((int)chunks));

    /// <summary>Runs a kernel that has no form for the CPU.</summary>
    internal void RunNaive(IKernel kernel) => kernel.On(naive);

    /// <inheritdoc/>
    public override void Dispose()
    {
        workers.Dispose();
        Workspace.Dispose();
    }
}
