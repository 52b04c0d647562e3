using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

/// <summary>
/// A device behind ILGPU: the kernels of this folder, compiled at run time. Launches go out one at a time; kernels stay alive with the backend.
/// </summary>
internal sealed partial class GpuBackend : Backend
{
    private readonly Context context;
    private readonly Accelerator accelerator;
    private readonly Lock gate = new();
    private readonly Dictionary<Delegate, Delegate> kernels = [];
    private readonly ReferenceBackend<D1> host = new();
    private readonly bool simulated;
    private readonly Staging staging;
    private readonly long mostBytes;
    private GpuBlock? scratch;
    private long allocated;

    /// <summary>Takes over the context and the accelerator, of whose memory it takes at most <paramref name="mostBytes"/>.</summary>
    public GpuBackend(Context context, Accelerator accelerator, string name, long mostBytes = long.MaxValue)
    {
        this.mostBytes = mostBytes;
        this.context = context;
        this.accelerator = accelerator;
        Name = name;
        staging = new Staging(accelerator);
        simulated = accelerator.AcceleratorType == AcceleratorType.CPU;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override DType Float => DType.F32;

    /// <summary>Lanes of a group of the kernels in one axis: a power of two. Few where a lane is a thread of the host.</summary>
    internal int GroupSize => simulated ? 4 : 256;

    /// <summary>The most groups of a launch whose lanes go through the elements in steps.</summary>
    private int MostGroups => simulated ? 2 : 32 * accelerator.NumMultiprocessors;

    /// <inheritdoc/>
    public override Block Allocate(long bytes)
    {
        lock (gate)
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
    public override void Free(Block block)
    {
        lock (gate)
        {
            ((GpuBlock)block).Buffer.Dispose();
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
            lock (gate)
            {
                if (!staging.TryWrite(Bytes(y), data)) Bytes(y).CopyFromCPU(accelerator.DefaultStream, ref *from, data.Length);
            }
        }
    }

    /// <inheritdoc/>
    public override unsafe void Read(in View x, Span<byte> data)
    {
        if (data.Length == 0) return;
        fixed (byte* to = data)
        {
            lock (gate) Bytes(x).CopyToCPU(accelerator.DefaultStream, ref *to, data.Length);
        }
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
        lock (gate) accelerator.Synchronize();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        lock (gate)
        {
            try
            {
                accelerator.Synchronize(); // no copy may be under way from memory that is unlocked next
            }
            finally
            {
                staging.Dispose();
                scratch?.Buffer.Dispose();
                accelerator.Dispose();
                context.Dispose();
            }
        }
    }

    /// <summary>The bytes of a view from its first element on.</summary>
    private static ArrayView<byte> Bytes(in View view) => ((GpuBlock)view.Block!).All.SubView(view.Layout.Offset * view.Type.Size());

    /// <summary>The numbers of a view from its first element to its last, or an empty view where it is absent.</summary>
    private static ArrayView<float> Floats(in View view) =>
        view.IsAbsent || view.Count == 0 ? ArrayView<float>.Empty : Bytes(view).Cast<float>().SubView(0, Extent(view));

    /// <summary>The integers of a view from its first element to its last.</summary>
    private static ArrayView<int> Ints(in View view) =>
        view.IsAbsent || view.Count == 0 ? ArrayView<int>.Empty : Bytes(view).Cast<int>().SubView(0, Extent(view));

    /// <summary>Elements from a view's first to its last, which kernels count in 32 bits.</summary>
    /// <exception cref="NotSupportedException">More than that.</exception>
    private static long Extent(in View view)
    {
        long last = 0;
        for (int axis = 0; axis < view.Shape.Rank; axis++) last += (view.Shape[axis] - 1) * view.Layout.Strides[axis];
        return last < 1 << 30 ? last + 1 : throw new NotSupportedException(
            $"A view of shape {view.Shape} spans {last + 1:N0} elements; a GPU kernel takes at most {1 << 30:N0}. Use a smaller batch or context.");
    }

    private static Strided Strided(in View view, in Walk walk, int operand) => new(Floats(view), new GpuSteps(walk, operand));

    /// <summary>Groups for a launch whose lanes go through <paramref name="count"/> elements in steps.</summary>
    private KernelConfig Over(long count) => (Groups((count + GroupSize - 1) / GroupSize), GroupSize);

    /// <summary>As many groups as there is work for, up to what fills the device.</summary>
    private int Groups(long wanted) => (int)Math.Clamp(wanted, 1, MostGroups);

    /// <summary>Memory for the parts of one call; the next call's overwrites it. Only under the gate.</summary>
    private ArrayView<float> Scratch(long floats)
    {
        if (scratch is null || scratch.Bytes < 4 * floats)
        {
            if (scratch is not null) Free(scratch);
            scratch = null;
            scratch = (GpuBlock)Allocate(4 * floats);
        }

        return scratch.All.Cast<float>().SubView(0, floats);
    }

    private OutOfMemoryException NoRoom(long bytes, string why) => new($"{Name} has no piece of {bytes:N0} bytes left: {why}");
}
