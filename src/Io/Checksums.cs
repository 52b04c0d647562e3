using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// CRC-32C (Castagnoli; RFC 3720, section 12.1) of a safetensors file, in its metadata: <c>crc32c</c> maps each tensor to the sum of its
/// bytes, <c>crc32c_header</c> is the sum of the header with this sum's own eight digits as zeros.
/// </summary>
internal static class Checksums
{
    private const string TensorsField = "crc32c", HeaderField = "crc32c_header", Blank = "00000000";

    private static readonly byte[] HeaderStart = Encoding.UTF8.GetBytes($"\"{HeaderField}\":\"");

    /// <summary>The sum of bytes, of which <paramref name="sum"/> is that of those before; 0 begins.</summary>
    public static uint Append(uint sum, ReadOnlySpan<byte> bytes)
    {
        sum = ~sum;
        for (; bytes.Length >= 8; bytes = bytes[8..]) sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte value in bytes) sum = BitOperations.Crc32C(sum, value);
        return ~sum;
    }

    /// <summary>Puts the tensors' sums in the metadata, and room for the header's.</summary>
    public static void Put(IDictionary<string, string> metadata, Dictionary<string, uint> sums)
    {
        metadata[TensorsField] = JsonSerializer.Serialize(sums.ToDictionary(sum => sum.Key, sum => Digits(sum.Value)));
        metadata[HeaderField] = Blank;
    }

    /// <summary>Puts the header's sum in the room left for it.</summary>
    public static void Seal(Span<byte> header) =>
        Encoding.ASCII.GetBytes(Digits(Append(0, header)), header.Slice(Place(header), Blank.Length));

    /// <summary>The sum that a sealed header says, in eight digits: it stands for all of the file.</summary>
    public static string Said(ReadOnlySpan<byte> header) => Encoding.ASCII.GetString(header.Slice(Place(header), Blank.Length));

    /// <summary>The same of an open file; null where it says none.</summary>
    public static string? Said(IReadOnlyDictionary<string, string> metadata) => metadata.GetValueOrDefault(HeaderField);

    /// <summary>True where the header has the sum that it says.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> header)
    {
        int place = Place(header);
        if (place < 0 || place + Blank.Length > header.Length) return false;
        string said = Encoding.ASCII.GetString(header.Slice(place, Blank.Length));
        uint blank = Append(Append(0, header[..place]), Encoding.ASCII.GetBytes(Blank));
        return said == Digits(Append(blank, header[(place + Blank.Length)..]));
    }

    /// <summary>True for the names of checksums in the metadata.</summary>
    public static bool IsField(string name) => name is TensorsField or HeaderField;

    /// <summary>The tensors' sums by name.</summary>
    /// <exception cref="BadFileException">They cannot be read.</exception>
    public static Dictionary<string, uint> Get(string file, IReadOnlyDictionary<string, string> metadata) =>
        BadFileException.Guard(file, TensorsField, "the checksums cannot be read", () =>
            JsonSerializer.Deserialize<Dictionary<string, string>>(metadata[TensorsField])!.ToDictionary(sum => sum.Key,
                sum => uint.Parse(sum.Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture), StringComparer.Ordinal));

    private static string Digits(uint sum) => sum.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>
    /// Where the header's sum stands. The quotes around the name keep other strings, whose quotes are escaped, from being taken for it.
    /// </summary>
    private static int Place(ReadOnlySpan<byte> header) => header.IndexOf(HeaderStart) is >= 0 and var start ? start + HeaderStart.Length
        : -1;
}

/// <summary>Keeps the sum of what is written to it, whether all of it is finite, and nothing else.</summary>
internal sealed class ChecksumStream : Stream
{
    private string? type;

    /// <summary>The sum so far.</summary>
    public uint Value { get; private set; }

    /// <summary>False where an infinity or NaN was among the elements.</summary>
    public bool IsFinite { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Forgets what was written; goes on with elements of a type, or null where they need not be finite.</summary>
    public void Restart(string? elements = null) => (type, Value, IsFinite) = (elements, 0, true);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Value = Checksums.Append(Value, buffer);
        if (type is not null) IsFinite &= SafeTensors.AreFinite(type, buffer);
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
