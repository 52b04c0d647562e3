using System.Text;

namespace Mayfly;

/// <summary>
/// Writes a GGUF file of version 3: fields in the order in which they are added, then tensors. Nothing is held but the header.
/// </summary>
internal sealed class GgufWriter
{
    private const uint Version = 3;
    private const int Alignment = 32;
    private static readonly byte[] Gap = new byte[Alignment];
    private readonly List<(string Name, object Value)> fields = [];
    private readonly List<Item> tensors = [];

    private sealed record Item(string Name, long[] Sizes, GgufType Type, Action<Stream> Write)
    {
        public long Bytes => Sizes.Aggregate(1L, (count, size) => checked(count * size)) / Type.Block * Type.Bytes;
    }

    /// <summary>Adds a field: a string, bool, int, uint or float, or an array of strings, ints or floats.</summary>
    public void Add(string name, object value) => fields.Add((name, value));

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="sizes">Its sizes, the outermost first.</param>
    /// <param name="type">How its elements are stored; rows are whole blocks.</param>
    /// <param name="write">Writes them.</param>
    public void Add(string name, long[] sizes, GgufType type, Action<Stream> write) => tensors.Add(new Item(name, sizes, type, write));

    /// <summary>Writes the file.</summary>
    public void WriteTo(Stream stream)
    {
        byte[] header = Header();
        stream.Write(header);
        long written = header.Length;
        foreach (var tensor in tensors)
        {
            tensor.Write(stream);
            long end = written + tensor.Bytes;
            written = Aligned(end);
            stream.Write(Gap, 0, (int)(written - end));
        }
    }

    private byte[] Header()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(GgufHeader.Magic);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)fields.Count);
        foreach (var (name, value) in fields) Field(writer, name, value);
        long offset = 0;
        foreach (var tensor in tensors)
        {
            Entry(writer, tensor, offset);
            offset = Aligned(offset + tensor.Bytes);
        }

        writer.Write(new byte[Aligned(bytes.Length) - bytes.Length]);
        return bytes.ToArray();
    }

    private static void Field(BinaryWriter writer, string name, object value)
    {
        Text(writer, name);
        writer.Write(TypeOf(value.GetType()));
        if (value is not Array items)
        {
            Scalar(writer, value);
            return;
        }

        writer.Write(TypeOf(items.GetType().GetElementType()!));
        writer.Write((ulong)items.Length);
        foreach (object item in items) Scalar(writer, item);
    }

    /// <summary>The sizes stand with the innermost first.</summary>
    private static void Entry(BinaryWriter writer, Item tensor, long offset)
    {
        Text(writer, tensor.Name);
        writer.Write((uint)tensor.Sizes.Length);
        foreach (long size in tensor.Sizes.Reverse()) writer.Write(size);
        writer.Write(tensor.Type.Number);
        writer.Write(offset);
    }

    private static uint TypeOf(Type type) => type == typeof(uint) ? 4u : type == typeof(int) ? 5u : type == typeof(float) ? 6u
        : type == typeof(bool) ? 7u : type == typeof(string) ? 8u : type.IsArray ? 9u
        : throw new NotSupportedException($"GGUF: a field of {type.Name}.");

    private static void Scalar(BinaryWriter writer, object value)
    {
        if (value is uint number) writer.Write(number);
        else if (value is int whole) writer.Write(whole);
        else if (value is float real) writer.Write(real);
        else if (value is bool flag) writer.Write(flag);
        else Text(writer, (string)value);
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static long Aligned(long place) => (place + Alignment - 1) / Alignment * Alignment;
}
