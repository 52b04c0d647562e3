using System.Buffers.Binary;
using System.Numerics;

namespace Mayfly;

/// <summary>
/// TensorFlow's framing of records: the length in 8 bytes, its masked CRC in 4, the content, and the content's masked CRC in 4, all
/// little-endian (<c>tensorflow/core/lib/io/record_writer.cc</c>).
/// </summary>
internal static class TfRecord
{
    private const int LengthBytes = 8, CrcBytes = 4, HeadBytes = LengthBytes + CrcBytes;

    /// <summary>A record with its frame.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> content)
    {
        byte[] record = new byte[HeadBytes + content.Length + CrcBytes];
        BinaryPrimitives.WriteInt64LittleEndian(record, content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(LengthBytes), MaskedCrc(record.AsSpan(0, LengthBytes)));
        content.CopyTo(record.AsSpan(HeadBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(HeadBytes + content.Length), MaskedCrc(content));
        return record;
    }

    /// <summary>CRC-32C (Castagnoli; RFC 3720, appendix B.4), turned and moved, so that a record in a record has no CRC of a CRC.</summary>
    public static uint MaskedCrc(ReadOnlySpan<byte> bytes) => BitOperations.RotateRight(Checksums.Append(0, bytes), 15) + 0xA282EAD8;
}
