using System.Buffers.Binary;

namespace TrainGpt;

/// <summary>
/// Reads a structure in Thrift's compact protocol as values without names: whole numbers are <see cref="long"/>, lists
/// <see cref="List{T}"/> of values, structures dictionaries by number of field. Nothing is read or taken beyond the bytes at hand.
/// Source: thrift-compact-protocol.md of Apache Thrift.
/// </summary>
/// <param name="bytes">The bytes; the structure begins with the first one.</param>
internal sealed class ThriftReader(ReadOnlyMemory<byte> bytes)
{
    private const int MostDepth = 32;

    /// <summary>How many bytes were read.</summary>
    public int Position { get; private set; }

    /// <summary>The structure that begins here.</summary>
    /// <exception cref="InvalidDataException">There is no such structure, or it ends beyond the bytes.</exception>
    public Dictionary<int, object> Struct(int depth = 0)
    {
        var fields = new Dictionary<int, object>();
        for (int id = 0; Byte() is not 0 and var header;)
        {
            id = (header & 0xF0) == 0 ? (int)Zigzag() : id + (header >> 4);
            fields[id] = (header & 0x0F) is (1 or 2) and var flag ? flag == 1 : Value(header & 0x0F, depth + 1);
        }

        return fields;
    }

    private object Value(int type, int depth) => depth > MostDepth ? throw new InvalidDataException("values within values without end")
        : type switch
        {
            1 or 2 => Byte() == 1, // within a list a truth value takes a byte
            3 => (long)(sbyte)Byte(),
            4 or 5 or 6 => Zigzag(),
            7 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8).Span),
            8 => Take(Length()),
            9 or 10 => List(depth),
            12 => Struct(depth),
            _ => throw new InvalidDataException($"a value of the type {type}"),
        };

    private List<object> List(int depth)
    {
        byte header = Byte();
        int count = header >> 4 == 15 ? Length() : header >> 4;
        if (count > bytes.Length - Position) throw new InvalidDataException($"a list of {count} values in {bytes.Length - Position} bytes");
        var values = new List<object>(count);
        for (int i = 0; i < count; i++) values.Add(Value(header & 0x0F, depth + 1));
        return values;
    }

    private int Length() => Varint() is <= int.MaxValue and var length ? (int)length
        : throw new InvalidDataException("a length of more than 31 bits");

    private ReadOnlyMemory<byte> Take(int count)
    {
        if (count > bytes.Length - Position) throw new InvalidDataException($"{count} bytes where {bytes.Length - Position} are left");
        Position += count;
        return bytes.Slice(Position - count, count);
    }

    private byte Byte() => Take(1).Span[0];

    private long Zigzag()
    {
        ulong value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A number below 2^64, seven bits a byte, the lowest first.</summary>
    /// <exception cref="InvalidDataException">It ends beyond the bytes, or is larger.</exception>
    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = Byte();
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return value;
        }

        throw new InvalidDataException("a number of more than 64 bits");
    }
}
