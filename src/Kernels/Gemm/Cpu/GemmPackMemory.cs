using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// A thread's packing memory, kept from call to call and given back when the thread is gone. Its size is bounded by
/// <see cref="GemmBlocks"/>.
/// </summary>
internal sealed unsafe class GemmPackMemory
{
    [ThreadStatic] private static GemmPackMemory? block;
    [ThreadStatic] private static GemmPackMemory? panel;
    [ThreadStatic] private static GemmPackMemory? lines;

    private float* data;
    private long length;

    private GemmPackMemory()
    {
    }

    ~GemmPackMemory() => NativeMemory.AlignedFree(data);

    /// <summary>Room for a packed block of A.</summary>
    public static float* Block(long floats) => (block ??= new GemmPackMemory()).AtLeast(floats);

    /// <summary>Room for a packed panel of B.</summary>
    public static float* Panel(long floats) => (panel ??= new GemmPackMemory()).AtLeast(floats);

    /// <summary>Room for lines of an operand that are converted before they are packed.</summary>
    public static float* Lines(long floats) => (lines ??= new GemmPackMemory()).AtLeast(floats);

    private float* AtLeast(long floats)
    {
        if (floats <= length) return data;
        NativeMemory.AlignedFree(data);
        data = null;
        length = 0;
        data = (float*)NativeMemory.AlignedAlloc(checked((nuint)(floats * sizeof(float))), HostMemory.Alignment);
        length = floats;
        return data;
    }
}
