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

    /// <summary>
    /// Blocks of as many bytes are the system's own pieces, which go back to it at once: the C library keeps what is freed for later, and
    /// a process would be larger than its books say.
    /// </summary>
    private const long LeastMapped = 1 << 20;

    private const int ReadWrite = 1 | 2, PrivateAnonymous = 0x2 | 0x20;
    private static long held;

    /// <exception cref="OutOfMemoryException">The machine has no such piece left.</exception>
    public static HostBlock Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes > Most - Interlocked.Read(ref held)) throw new OutOfMemoryException();
        var block = new HostBlock(IsMapped(bytes) ? Map(bytes) : Take(bytes), bytes);
        Interlocked.Add(ref held, bytes);
        return block;
    }

    public static HostBlock Part(Block whole, long first, long bytes) => new(((HostBlock)whole).Pointer + first, bytes) { IsPart = true };

    public static void Free(Block block)
    {
        void* pointer = ((HostBlock)block).Pointer;
        if (IsMapped(block.Bytes)) _ = Unmap(pointer, (nuint)block.Bytes);
        else NativeMemory.AlignedFree(pointer);
        Interlocked.Add(ref held, -block.Bytes);
    }

    public static void Write(in View y, ReadOnlySpan<byte> data) => data.CopyTo(new Span<byte>(y.Host(), data.Length));

    public static void Read(in View x, Span<byte> data) => new ReadOnlySpan<byte>(x.Host(), data.Length).CopyTo(data);

    private static bool IsMapped(long bytes) => bytes >= LeastMapped && OperatingSystem.IsLinux();

    private static void* Take(long bytes) => NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, Alignment)), Alignment);

    private static void* Map(long bytes)
    {
        void* pointer = Map(null, (nuint)bytes, ReadWrite, PrivateAnonymous, -1, 0);
        return (nint)pointer == -1 ? throw new OutOfMemoryException() : pointer;
    }

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern void* Map(void* wanted, nuint bytes, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(void* pointer, nuint bytes);
}
