using System.Text;

namespace Mayfly.Tests;

/// <summary>Writes small GGUF files, good ones and bad ones.</summary>
internal sealed class GgufBytes
{
    private const int Alignment = 32;
    private readonly List<(string Name, uint Type, object Value)> fields = [];
    private readonly List<(string Name, long[] Sizes, uint Type, byte[] Data)> tensors = [];

    /// <summary>What is written for the version.</summary>
    public uint Version { get; init; } = 3;

    /// <summary>What is added to the offset of each tensor.</summary>
    public long Shift { get; init; }

    /// <summary>Adds a field: a string, an int, a float, a bool, or an array of strings, ints or floats.</summary>
    public GgufBytes Add(string name, object value)
    {
        fields.Add((name, TypeOf(value), value));
        return this;
    }

    /// <summary>Adds a tensor of floats; sizes are given outermost first.</summary>
    public GgufBytes Add(string name, float[] values, params long[] sizes) =>
        Add(name, 0, [.. values.SelectMany(BitConverter.GetBytes)], sizes);

    /// <summary>Adds a tensor of any type.</summary>
    public GgufBytes Add(string name, uint type, byte[] data, params long[] sizes)
    {
        tensors.Add((name, sizes, type, data));
        return this;
    }

    /// <summary>The file.</summary>
    public byte[] ToArray()
    {
        var file = new MemoryStream();
        var writer = new BinaryWriter(file);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)fields.Count);
        foreach (var (name, type, value) in fields)
        {
            Text(writer, name);
            writer.Write(type);
            Value(writer, value);
        }

        long offset = 0;
        foreach (var (name, sizes, type, data) in tensors)
        {
            Text(writer, name);
            writer.Write((uint)sizes.Length);
            foreach (long size in sizes.Reverse()) writer.Write(size);
            writer.Write(type);
            writer.Write(offset + Shift);
            offset = Aligned(offset + data.Length);
        }

        foreach (var (_, _, _, data) in tensors)
        {
            while (file.Position % Alignment != 0) writer.Write((byte)0);
            writer.Write(data);
        }

        return file.ToArray();
    }

    private static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static uint TypeOf(object value) => value switch
    {
        int => 5,
        float => 6,
        bool => 7,
        string => 8,
        Array => 9,
        _ => throw new ArgumentException($"{value.GetType()} is no type of a field.", nameof(value)),
    };

    private static void Value(BinaryWriter writer, object value)
    {
        if (value is int number) writer.Write(number);
        else if (value is float real) writer.Write(real);
        else if (value is bool flag) writer.Write(flag);
        else if (value is string text) Text(writer, text);
        else Items(writer, (Array)value);
    }

    private static void Items(BinaryWriter writer, Array items)
    {
        writer.Write(TypeOf(items.GetValue(0)!));
        writer.Write((ulong)items.Length);
        foreach (object item in items) Value(writer, item);
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
