using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>Host memory for the devices that live in it.</summary>
internal static unsafe class HostMemory
{
    /// <summary>Bytes of a cache line; every block starts on one.</summary>
    public const int Alignment = 64;

    public static HostBlock Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        return new HostBlock(NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Alignment)), Alignment), bytes);
    }

    public static void Free(Block block) => NativeMemory.AlignedFree(((HostBlock)block).Pointer);

    public static void Write(in View y, ReadOnlySpan<byte> data) => data.CopyTo(new Span<byte>(y.Host(), data.Length));

    public static void Read(in View x, Span<byte> data) => new ReadOnlySpan<byte>(x.Host(), data.Length).CopyTo(data);
}
