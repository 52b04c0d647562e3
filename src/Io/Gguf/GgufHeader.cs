using System.Buffers.Binary;

namespace Mayfly;

/// <summary>Reads the header of a GGUF file from its begin on.</summary>
internal sealed class GgufHeader(string file, Stream stream)
{
    private const int LeastField = 13, LeastEntry = 24; // bytes: a length, a number of a type, and something
    private const int LongestString = 1 << 26;
    private readonly BufferedStream input = new(stream, 1 << 16);
    private readonly long length = stream.Length;
    private string field = "header";

    /// <summary>The first bytes of a file.</summary>
    public static ReadOnlySpan<byte> Magic => "GGUF"u8;

    /// <summary>Where the next byte is.</summary>
    public long Position { get; private set; }

    /// <summary>The numbers of tensors and of fields.</summary>
    /// <exception cref="BadFileException">It is no GGUF file of a known version.</exception>
    public (long Tensors, long Fields) ReadCounts()
    {
        Span<byte> magic = stackalloc byte[4];
        Take(magic);
        if (!magic.SequenceEqual(Magic)) throw Bad("it does not begin with GGUF.");
        uint version = (uint)Number(4);
        if (version is not (2 or 3)) throw Bad($"version {version} is unknown; 2 and 3 are read.");
        return (Count(LeastEntry, "tensors"), Count(LeastField, "fields"));
    }

    /// <summary>The fields.</summary>
    /// <exception cref="BadFileException">One is damaged.</exception>
    public Dictionary<string, object> ReadFields(long count)
    {
        var fields = new Dictionary<string, object>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            field = $"field {i}";
            string name = Text();
            field = name;
            if (!fields.TryAdd(name, Value((uint)Number(4), depth: 0))) throw Bad("the field appears twice.");
        }

        return fields;
    }

    /// <summary>What is said about a tensor.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public GgufEntry ReadEntry(int mostAxes)
    {
        field = "tensors";
        field = Text();
        uint axes = (uint)Number(4);
        if (axes < 1 || axes > mostAxes) throw Bad($"it has {axes} axes; 1 to {mostAxes} are read.");
        var sizes = new long[axes];
        for (int i = sizes.Length - 1; i >= 0; i--) sizes[i] = Size();
        if (sizes.Aggregate((UInt128)1, (all, size) => all * (ulong)size) > long.MaxValue / 8) throw Bad("it has too many elements.");
        uint type = (uint)Number(4);
        ulong offset = Number(8);
        if (offset > (ulong)length) throw Bad($"it begins at byte {offset:N0} of a file of {length:N0}.");
        return new GgufEntry(field, sizes, GgufType.Of(type), GgufType.NameOf(type), (long)offset);
    }

    private long Size() => Number(8) is var size and > 0 and <= int.MaxValue ? (long)size : throw Bad("a size is 0 or above 2^31.");

    private object Value(uint type, int depth) => type switch
    {
        0 => (long)Number(1),
        1 => (long)(sbyte)Number(1),
        2 => (long)Number(2),
        3 => (long)(short)Number(2),
        4 => (long)Number(4),
        5 => (long)(int)Number(4),
        6 => (double)BitConverter.UInt32BitsToSingle((uint)Number(4)),
        7 => Number(1) != 0,
        8 => Text(),
        9 => Items(depth),
        10 => Number(8) is var number and <= long.MaxValue ? (long)number : throw Bad("it is above 2^63."),
        11 => (long)Number(8),
        12 => BitConverter.UInt64BitsToDouble(Number(8)),
        _ => throw Bad($"its type {type} is unknown."),
    };

    private Array Items(int depth)
    {
        if (depth > 0) throw Bad("an array in an array is not read.");
        uint type = (uint)Number(4);
        long count = Count(type is 8 ? 8 : 1, "items");
        return type switch
        {
            8 => All(count, () => Text()),
            6 or 12 => All(count, () => (double)Value(type, 1)),
            7 => All(count, () => (bool)Value(type, 1)),
            9 => throw Bad("an array in an array is not read."),
            _ => All(count, () => (long)Value(type, 1)),
        };
    }

    private static T[] All<T>(long count, Func<T> read)
    {
        var items = new List<T>(); // grows as the file gives them
        for (long i = 0; i < count; i++) items.Add(read());
        return [.. items];
    }

    private string Text()
    {
        ulong size = Number(8);
        if (size > (ulong)Math.Min(length - Position, LongestString))
            throw Bad($"a text of {size:N0} bytes, where {length - Position:N0} are left.");
        var bytes = new byte[size];
        Take(bytes);
        return Files.DecodeUtf8(bytes) ?? throw Bad("a text is not UTF-8.");
    }

    /// <summary>A number of things of which each takes some bytes.</summary>
    private long Count(int least, string what)
    {
        ulong count = Number(8);
        return count <= (ulong)((length - Position) / least) ? (long)count
            : throw Bad($"it says there are {count:N0} {what}, more than its {length:N0} bytes can hold.");
    }

    private ulong Number(int size)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        Take(bytes[..size]);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private void Take(Span<byte> bytes)
    {
        if (bytes.Length > length - Position || input.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw Bad("the file ends in it; it was cut short?");
        Position += bytes.Length;
    }

    private BadFileException Bad(string problem) => new(file, field, problem);
}
