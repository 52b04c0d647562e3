using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

/// <summary>
/// Page-locked memory for what goes to the device in every step (token ids, targets): the copy waits for nothing and the kernels before it
/// run on. Each size has buffers that are used one after the other, until the host has waited for the device for another reason. Where
/// there are as many as may be, the device is waited for before the first is used again.
/// </summary>
internal sealed class Staging(Accelerator accelerator, GpuMeter meter) : IDisposable
{
    /// <summary>What is longer goes straight from pageable memory.</summary>
    public const int MostBytes = 1 << 20;

    private const int LeastBuffers = 8, MostBuffers = 256, MostSizes = 8;
    private readonly Dictionary<int, Ring> rings = [];

    /// <summary>Copies to the device through a page-locked buffer; false where there is too much of it.</summary>
    public bool TryWrite(ArrayView<byte> target, ReadOnlySpan<byte> data)
    {
        if (data.Length > MostBytes) return false;
        if (!rings.TryGetValue(data.Length, out var ring))
        {
            if (rings.Count == MostSizes) Forget();
            rings[data.Length] = ring = new Ring();
        }

        var buffer = Next(ring, data.Length);
        data.CopyTo(buffer.Span);
        target.CopyFromPageLockedAsync(accelerator.DefaultStream, buffer);
        return true;
    }

    /// <summary>Says that the device has done all it was asked.</summary>
    public void Settle()
    {
        foreach (var ring in rings.Values) ring.Next = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var ring in rings.Values)
            foreach (var buffer in ring.Buffers) buffer.Dispose();
        rings.Clear();
    }

    /// <summary>Makes room for other sizes: those of a model's first weights do not come again.</summary>
    private void Forget()
    {
        Wait();
        Dispose();
    }

    private void Wait()
    {
        meter.Waits++;
        accelerator.DefaultStream.Synchronize();
    }

    private PageLockedArray1D<byte> Next(Ring ring, int bytes)
    {
        if (ring.Next == Math.Clamp(MostBytes / bytes, LeastBuffers, MostBuffers))
        {
            Wait();
            Settle();
        }

        if (ring.Next == ring.Buffers.Count) ring.Buffers.Add(accelerator.AllocatePageLocked1D<byte>(bytes));
        return ring.Buffers[ring.Next++];
    }

    private sealed class Ring
    {
        public readonly List<PageLockedArray1D<byte>> Buffers = [];
        public int Next;
    }
}
