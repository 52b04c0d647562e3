using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Collects tensors and writes them as one safetensors file. Nothing is copied before <see cref="Save(string)"/>, which streams in small
/// pieces, so a file may be larger than memory has room for twice. Wider element types come first, which keeps every tensor aligned to its
/// elements.
/// </summary>
public sealed class SafeTensorsWriter
{
    private readonly List<Item> items = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal) { SafeTensors.MetadataName };

    private sealed record Item(string Name, string Type, long[] Sizes, long Bytes, Action<Stream> Write, Tensor? Tensor = null);

    /// <summary>Free strings for the header.</summary>
    public SortedDictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Writes a CRC-32C of the header and of each tensor into the metadata, for <see cref="SafeTensorsReader.Verify"/>. Every tensor is
    /// read twice.
    /// </summary>
    public bool HasChecksums { get; init; }

    /// <summary>
    /// Refuses infinities and NaN, before anything of the file is written; looked for while the checksums are computed.
    /// </summary>
    internal bool MustBeFinite { get; init; }

    /// <summary>
    /// Adds a tensor, to be read when the file is saved. One of <see cref="DType.Int8"/> is written as the U8 bytes of its groups, scales
    /// included, of which only the reader knows the shape.
    /// </summary>
    /// <exception cref="ArgumentException">The name is taken, or no text.</exception>
    public void Add(string name, Tensor tensor)
    {
        var (type, sizes) = SafeTensors.StoredAs(tensor.Shape, tensor.Type);
        Add(new Item(name, type, sizes, tensor.Bytes, stream => WriteTensor(stream, tensor), tensor));
    }

    /// <summary>Adds host values: float, double, int, long, Half or byte.</summary>
    /// <exception cref="ArgumentException">The name is taken or no text, or the count does not match the shape.</exception>
    public void Add<T>(string name, ReadOnlyMemory<T> values, Shape shape) where T : unmanaged
    {
        if (values.Length != shape.Count)
            throw new ArgumentException($"{name}: {values.Length} values for shape {shape} of {shape.Count} elements.");
        var sizes = new long[shape.Rank];
        shape.CopyTo(sizes);
        string type = SafeTensors.NameOf<T>();
        Add(new Item(name, type, sizes, values.Length * (long)SafeTensors.SizeOf(type), stream => WriteHost(stream, values)));
    }

    /// <summary>Adds a tensor whose bytes are written when the file is saved.</summary>
    internal void Add(string name, string type, long[] sizes, Action<Stream> write) => Add(new Item(
        name, type, sizes, sizes.Aggregate((long)SafeTensors.SizeOf(type), (bytes, size) => checked(bytes * size)), write));

    /// <summary>Leaves out what is not wanted, before any of it is read.</summary>
    /// <param name="isWanted">Whether to keep a tensor; it gets null for host values.</param>
    /// <returns>True where something is left.</returns>
    internal bool Keep(Predicate<Tensor?> isWanted)
    {
        items.RemoveAll(item => !isWanted(item.Tensor));
        return items.Count > 0;
    }

    /// <summary>Writes the file under a temporary name, flushes it to the disk and puts it in place of an older one.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Save(string path) => Files.Replace(path, WriteTo);

    /// <summary>Like <see cref="Save(string)"/>; <paramref name="beforeRename"/> runs when the new file is whole on the disk.</summary>
    internal void Save(string path, Action beforeRename) => Files.Replace(path, WriteTo, beforeRename);

    /// <summary>Writes the format to a stream.</summary>
    /// <exception cref="ArgumentException">The header would be longer than readers accept, or metadata are no text.</exception>
    public void WriteTo(Stream stream) => WriteTo(stream, Header());

    /// <summary>The header for <see cref="WriteTo(Stream, byte[])"/>, with the checksums of the tensors as they are.</summary>
    /// <exception cref="ArgumentException">It would be longer than readers accept, or metadata are no text.</exception>
    internal byte[] Header()
    {
        if (HasChecksums) AddChecksums();
        var header = MakeHeader();
        if (HasChecksums) Checksums.Seal(header);
        return header;
    }

    /// <summary>Writes the format to a stream, with a header that was made before.</summary>
    internal void WriteTo(Stream stream, byte[] header)
    {
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
        foreach (var item in Ordered) item.Write(stream);
    }

    /// <summary>Tensors of one element size stay in the order they were added.</summary>
    private IOrderedEnumerable<Item> Ordered => items.OrderByDescending(item => SafeTensors.SizeOf(item.Type));

    private void AddChecksums()
    {
        var sums = new Dictionary<string, uint>(StringComparer.Ordinal);
        using var sum = new ChecksumStream();
        foreach (var item in Ordered)
        {
            sum.Restart(MustBeFinite ? item.Type : null);
            item.Write(sum);
            if (!sum.IsFinite) throw new NonFiniteException($"'{item.Name}' has an infinity or NaN, so it was not saved.");
            sums.Add(item.Name, sum.Value);
        }

        Checksums.Put(Metadata, sums);
    }

    private void Add(Item item)
    {
        CheckText(item.Name, "the name");
        if (!names.Add(item.Name)) throw new ArgumentException($"SafeTensors: the name '{item.Name}' is taken.");
        items.Add(item);
    }

    /// <summary>Half a surrogate pair has no UTF-8: it would come back as another character.</summary>
    private static void CheckText(string text, string what)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) i++;
            else if (char.IsSurrogate(text[i]))
                throw new ArgumentException($"SafeTensors: {what} '{text}' has half a surrogate pair at {i}, which no file can hold.");
        }
    }

    private byte[] MakeHeader()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0) WriteMetadata(json);
            long offset = 0;
            foreach (var item in Ordered)
            {
                WriteEntry(json, item, offset);
                offset = checked(offset + item.Bytes);
            }

            json.WriteEndObject();
        }

        if (buffer.WrittenCount > SafeTensors.LongestHeader - 7)
            throw new ArgumentException($"SafeTensors: a header of {buffer.WrittenCount:N0} bytes; "
                + $"readers accept {SafeTensors.LongestHeader:N0}.");
        return Padded(buffer.WrittenSpan);
    }

    /// <summary>Spaces after the JSON make the data start at a multiple of 8.</summary>
    private static byte[] Padded(ReadOnlySpan<byte> json)
    {
        var header = new byte[(json.Length + 7) / 8 * 8];
        header.AsSpan().Fill((byte)' ');
        json.CopyTo(header);
        return header;
    }

    private void WriteMetadata(Utf8JsonWriter json)
    {
        json.WriteStartObject(SafeTensors.MetadataName);
        foreach (var (key, value) in Metadata)
        {
            CheckText(key, "the metadata's name");
            CheckText(value, $"the metadata's {key}");
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, Item item, long offset)
    {
        json.WriteStartObject(item.Name);
        json.WriteString("dtype", item.Type);
        json.WriteStartArray("shape");
        foreach (long size in item.Sizes) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(offset + item.Bytes);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteHost<T>(Stream stream, ReadOnlyMemory<T> values) where T : unmanaged
    {
        const int Piece = SafeTensors.ChunkBytes / 8;
        for (int i = 0; i < values.Length; i += Piece)
            stream.Write(MemoryMarshal.AsBytes(values.Span.Slice(i, Math.Min(Piece, values.Length - i))));
    }

    /// <summary>Writes a tensor's bytes.</summary>
    internal static void WriteTensor(Stream stream, Tensor tensor)
    {
        tensor.Device.Pager?.Settle();
        if (!tensor.Layout.IsContiguous)
        {
            using var dense = Tensor.Unowned(tensor.Device, tensor.Shape, tensor.Type, Use.Scratch, "SafeTensors");
            tensor.Device.Backend.Copy(tensor.Read("SafeTensors"), dense.Write("SafeTensors"));
            WriteTensor(stream, dense);
            return;
        }

        var bytes = ArrayPool<byte>.Shared.Rent(SafeTensors.ChunkBytes);
        foreach (var piece in TensorPieces.Of(tensor.Read("SafeTensors")))
        {
            var filled = bytes.AsSpan(0, (int)tensor.Type.Bytes(piece.Count));
            tensor.Device.Backend.Read(piece, filled);
            stream.Write(filled);
        }

        ArrayPool<byte>.Shared.Return(bytes);
    }
}
