using System.Text;

namespace Mayfly;

/// <summary>The characters of bytes.</summary>
internal static class Characters
{
    /// <summary>The length of the first character; a byte that is no UTF-8 counts as one.</summary>
    public static int FirstLength(ReadOnlySpan<byte> bytes)
    {
        if (bytes[0] < 0x80) return 1;
        return Rune.DecodeFromUtf8(bytes, out _, out int length) == System.Buffers.OperationStatus.Done ? length : 1;
    }
}
