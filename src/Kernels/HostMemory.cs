using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>Host memory for the devices that live in it.</summary>
internal static unsafe class HostMemory
{
    /// <summary>Bytes of a cache line; every block starts on one.</summary>
    public const int Alignment = 64;

    /// <summary>
    /// The most that all devices may hold together, nine tenths of the memory that the process may have: a system that promises more ends
    /// it without a word.
    /// </summary>
    public static readonly long Most = GC.GetGCMemoryInfo().HighMemoryLoadThresholdBytes is > 0 and var most ? most : long.MaxValue;

    private static long held;

    /// <exception cref="OutOfMemoryException">The machine has no such piece left.</exception>
    public static HostBlock Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes > Most - Interlocked.Read(ref held)) throw new OutOfMemoryException();
        var block = new HostBlock(NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Alignment)), Alignment), bytes);
        Interlocked.Add(ref held, bytes);
        return block;
    }

    public static void Free(Block block)
    {
        NativeMemory.AlignedFree(((HostBlock)block).Pointer);
        Interlocked.Add(ref held, -block.Bytes);
    }

    public static void Write(in View y, ReadOnlySpan<byte> data) => data.CopyTo(new Span<byte>(y.Host(), data.Length));

    public static void Read(in View x, Span<byte> data) => new ReadOnlySpan<byte>(x.Host(), data.Length).CopyTo(data);
}
