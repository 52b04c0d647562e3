using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Mayfly;

/// <summary>
/// A device behind ILGPU: kernels are compiled at run time. Launches go out one at a time; compiled kernels stay alive with the backend.
/// </summary>
public sealed partial class GpuBackend : Backend
{
    private readonly Context context;
    private readonly Accelerator accelerator;
    private readonly AcceleratorStream stream;
    private readonly Dictionary<Delegate, Delegate> kernels = [];
    private readonly HostMirror mirror;
    private readonly Staging staging;
    private readonly GpuNumbers numbers;
    private readonly long mostBytes;
    private GpuBlock? workspace;
    private long allocated;

    /// <summary>Takes over the context and the accelerator, of whose memory it takes at most <paramref name="mostBytes"/>.</summary>
    internal GpuBackend(Context context, Accelerator accelerator, string name, long mostBytes = long.MaxValue)
    {
        this.mostBytes = mostBytes;
        this.context = context;
        this.accelerator = accelerator;
        Name = name;
        stream = accelerator.DefaultStream;
        staging = new Staging(accelerator, Meter);
        mirror = new HostMirror(this);
        numbers = new GpuNumbers(this, accelerator);
        IsSimulated = accelerator.AcceleratorType == AcceleratorType.CPU;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override DType Float => DType.F32;

    /// <inheritdoc/>
    public override bool IsAsynchronous => true;

    /// <summary>Held while launches that belong together go out, as those that share the <see cref="Workspace"/>.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>What went to the device and came back so far.</summary>
    internal GpuMeter Meter { get; } = new();

    /// <summary>Runs before each call of a driver by this thread and those it starts; it may fail in the driver's place.</summary>
    internal static AsyncLocal<Action?> Calling { get; } = new();

    /// <summary>True where a lane is a thread of the host.</summary>
    internal bool IsSimulated { get; }

    private bool HasTensorCores => accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaArchitecture.SM_80;

    /// <summary>In what matrix products in wide tiles take their operands.</summary>
    /// <exception cref="NotSupportedException">Other than single precision on a device that has no such tensor cores.</exception>
    public ProductPrecision Precision
    {
        get;
        set => field = value == ProductPrecision.Fp32 || HasTensorCores
            ? value
            : throw new NotSupportedException(
                $"{Name} multiplies in single precision alone; {value} takes a CUDA device of compute capability 8.0 or later.");
    }

    /// <summary>Lanes of a group of the kernels in one axis: a power of two. Few where a lane is a thread of the host.</summary>
    internal int GroupSize => IsSimulated ? 4 : 256;

    /// <summary>The most lanes of a group.</summary>
    internal int MostLanes => accelerator.MaxNumThreadsPerGroup;

    /// <summary>The edge of attention's tiles, 8, 32 or 64; zero chooses by the shape.</summary>
    internal int AttentionEdge { get; set; }

    /// <summary>The most groups of a launch whose lanes go through the elements in steps.</summary>
    private int MostGroups => IsSimulated ? 2 : 32 * accelerator.NumMultiprocessors;

    /// <inheritdoc/>
    public override Block Allocate(long bytes)
    {
        lock (Gate)
        {
            if (allocated + bytes > mostBytes) throw NoRoom(bytes, $"it may take {mostBytes:N0} and has taken {allocated:N0}.");
            try
            {
                var block = new GpuBlock(accelerator.Allocate1D<byte>(Math.Max(bytes, 64)), bytes);
                allocated += bytes;
                return block;
            }
            catch (AcceleratorException e)
            {
                throw NoRoom(bytes, e.Message);
            }
        }
    }

    /// <inheritdoc/>
    public override Block Part(Block whole, long first, long bytes) => ((GpuBlock)whole).Part(first, bytes);

    /// <inheritdoc/>
    public override void Free(Block block)
    {
        lock (Gate)
        {
            Try(LaunchWaiting);
            Release(((GpuBlock)block).Buffer);
            allocated -= block.Bytes;
        }
    }

    /// <inheritdoc/>
    public override unsafe void Write(in View y, ReadOnlySpan<byte> data)
    {
        if (data.Length == 0) return;

        // a driver copies by address and ILGPU does not pin: an array must not move before the copy has ended
        fixed (byte* from = data)
        {
            var (at, target, bytes) = ((nint)from, Bytes(y), data.Length);
            Meter.WrittenBytes += bytes;
            Guarded(() =>
            {
                if (staging.TryWrite(target, new ReadOnlySpan<byte>((void*)at, bytes))) return;
                Meter.Waits++;
                target.CopyFromCPU(stream, ref *(byte*)at, bytes);
            });
        }
    }

    /// <inheritdoc/>
    public override unsafe void Read(in View x, Span<byte> data)
    {
        if (data.Length == 0) return;
        Meter.Waits++;
        Meter.ReadBytes += data.Length;
        fixed (byte* to = data)
        {
            var (at, source, bytes) = ((nint)to, Bytes(x), data.Length);
            Guarded(() =>
            {
                source.CopyToCPU(stream, ref *(byte*)at, bytes);
                staging.Settle();
            });
        }
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        Meter.Waits++;
        Guarded(() =>
        {
            accelerator.Synchronize();
            staging.Settle();
        });
    }

    /// <inheritdoc/>
    public override void Run<TKernel>(in TKernel kernel) => Unsafe.AsRef(in kernel).On(this); // without a copy of the operands

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (Gate)
        {
            Try(LaunchWaiting);
            Try(accelerator.Synchronize); // no copy may be under way from memory that is unlocked next
            Release(staging);
            Release(numbers);
            if (workspace is not null) Release(workspace.Buffer);
            foreach (var spare in spares) Release(spare.Buffer);
            Release(accelerator);
            Release(context);
        }
    }

    /// <summary>Gives something back; a lost device has lost it already.</summary>
    private static void Release(IDisposable what) => Try(what.Dispose);

    private static void Try(Action call)
    {
        try
        {
            call();
        }
        catch (Exception e) when (e is AcceleratorException or DeviceLostException)
        {
            // what lost the device was said when it happened
        }
    }

    /// <summary>The floats of a view from its first element to its last, or an empty view where it is absent.</summary>
    /// <exception cref="NotSupportedException">More than kernels count.</exception>
    public static ArrayView<float> Floats(in View view) =>
        view.IsAbsent || view.Count == 0 ? ArrayView<float>.Empty
        : view.IsStored ? throw view.Stored() : Bytes(view).Cast<float>().SubView(0, Extent(view));

    /// <summary>The integers of a view from its first element to its last, or an empty view where it is absent.</summary>
    /// <exception cref="NotSupportedException">More than kernels count.</exception>
    public static ArrayView<int> Ints(in View view) =>
        view.IsAbsent || view.Count == 0 ? ArrayView<int>.Empty : Bytes(view).Cast<int>().SubView(0, Extent(view));

    /// <summary>Groups for a launch whose lanes go through <paramref name="count"/> elements in steps: see <see cref="Lanes"/>.</summary>
    public KernelConfig Over(long count) => (Groups((count + GroupSize - 1) / GroupSize), GroupSize);

    /// <summary>The same for several operands, each with a line of groups, by the longest.</summary>
    private KernelConfig Lines(long longest, int operands) =>
        new(new Index2D(Groups((longest + GroupSize - 1) / GroupSize), operands), new Index2D(GroupSize, 1));

    /// <summary>As many groups as there is work for, up to what fills the device.</summary>
    internal int Groups(long wanted) => (int)Math.Clamp(wanted, 1, MostGroups);

    /// <summary>A group for each row, as far as there are so many; short rows get small groups.</summary>
    internal KernelConfig GroupsOfRows(long rows, int width) =>
        (Groups(rows), Math.Min(GroupSize, Math.Max(32, (int)BitOperations.RoundUpToPowerOf2((uint)width))));

    /// <summary>Memory for the parts of one call; the next call's overwrites it. Only under the gate.</summary>
    internal ArrayView<float> Workspace(long floats)
    {
        if (workspace is null || workspace.Bytes < 4 * floats)
        {
            if (workspace is not null) Free(workspace);
            workspace = null;
            workspace = (GpuBlock)Allocate(4 * floats);
        }

        return workspace.All.Cast<float>().SubView(0, floats);
    }

    /// <summary>Runs a kernel that has no form for GPUs.</summary>
    internal void RunNaive(IKernel kernel) => OnHost(blocks => kernel.On(new ReferenceBackend<F1>(blocks)));

    /// <summary>Lets the host work on the device's memory.</summary>
    private void OnHost(Action<Func<Block, HostBlock>> work)
    {
        lock (Gate)
        {
            try
            {
                work(mirror.Fetch);
                mirror.Return();
            }
            finally
            {
                mirror.Clear();
            }
        }
    }

    /// <summary>The bytes of a view from its first element on.</summary>
    private static ArrayView<byte> Bytes(in View view) => ((GpuBlock)view.Block!).All.SubView(view.Type.Bytes(view.Layout.Offset));

    /// <summary>Elements from a view's first to its last, which kernels count in 32 bits.</summary>
    private static long Extent(in View view) => view.Extent <= 1 << 30 ? view.Extent : throw new NotSupportedException(
        $"A view of shape {view.Shape} spans {view.Extent:N0} elements; a GPU kernel takes at most {1 << 30:N0}. "
        + "Use a smaller batch or context.");

    private static Strided Strided(in View view, in Walk walk, int operand) => new(Floats(view), new GpuSteps(walk, operand));

    private OutOfMemoryException NoRoom(long bytes, string why) => new($"{Name} has no piece of {bytes:N0} bytes left: {why}");
}
