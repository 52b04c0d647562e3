using System.Buffers.Binary;

namespace Mayfly;

/// <summary>Tells ids of 16 bits, which have no header, from other things that people write to a <c>.bin</c> file.</summary>
internal static class RawIds
{
    /// <summary>The fewest numbers to judge by.</summary>
    private const int Fewest = 32;

    /// <summary>An upper half of an id of 32 bits is below this, a lower half may be anything: vocabularies end at 2^20.</summary>
    private const ushort LargestUpper = 15;

    /// <summary>What bytes look like, if not like ids of 16 bits; null where they do.</summary>
    public static string? Otherwise(ReadOnlySpan<byte> bytes)
    {
        if (bytes is [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..]) return "a NumPy array with its header";
        if (bytes.Length < Fewest * sizeof(ushort)) return null;
        bool isUpperSecond = Largest(bytes, 1, 2) <= LargestUpper, isUpperFirst = Largest(bytes, 0, 2) <= LargestUpper;
        if (isUpperSecond == isUpperFirst) return null;
        if (isUpperFirst) return "ids of 32 bits with the upper half first (big-endian)";
        return Largest(bytes, 1, 4) + Largest(bytes, 2, 4) + Largest(bytes, 3, 4) == 0 ? "ids of 64 bits" : "ids of 32 bits";
    }

    /// <summary>The largest of every <paramref name="step"/>th number.</summary>
    private static int Largest(ReadOnlySpan<byte> bytes, int first, int step)
    {
        int largest = 0;
        for (int i = first * sizeof(ushort); i + 1 < bytes.Length; i += step * sizeof(ushort))
            largest = Math.Max(largest, BinaryPrimitives.ReadUInt16LittleEndian(bytes[i..]));
        return largest;
    }
}
