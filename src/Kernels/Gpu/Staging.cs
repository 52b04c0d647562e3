using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

/// <summary>
/// Page-locked memory for what goes to the device in every step (token ids, targets): the copy waits for nothing and the kernels before it
/// run on. Each size has a ring of buffers; the stream is waited for once a round, before the first buffer is used again.
/// </summary>
internal sealed class Staging(Accelerator accelerator, GpuMeter meter) : IDisposable
{
    /// <summary>What is longer goes straight from pageable memory.</summary>
    public const int MostBytes = 1 << 20;

    private const int Rounds = 8, MostSizes = 8;
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

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var ring in rings.Values)
            foreach (var buffer in ring.Buffers) buffer?.Dispose();
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
        if (ring.Next == Rounds)
        {
            Wait();
            ring.Next = 0;
        }

        return ring.Buffers[ring.Next++] ??= accelerator.AllocatePageLocked1D<byte>(bytes);
    }

    private sealed class Ring
    {
        public readonly PageLockedArray1D<byte>?[] Buffers = new PageLockedArray1D<byte>?[Rounds];
        public int Next;
    }
}
