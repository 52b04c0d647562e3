using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// An open safetensors file. Opening reads and checks the whole header; tensors are read by name, in small pieces, when they are asked for.
/// Whatever is wrong with the file is a <see cref="BadFileException"/> that names the file and the tensor.
/// </summary>
public sealed class SafeTensorsReader : IDisposable
{
    private readonly FileStream stream;
    private readonly SafeTensorsHeader header;
    private readonly long dataStart;
    private readonly byte[] json;

    private SafeTensorsReader(string path, FileStream stream)
    {
        Path = path;
        this.stream = stream;
        long length = HeaderLength();
        json = new byte[length];
        Files.ReadAt(stream, Path, "header", 8, json);
        dataStart = 8 + length;
        header = SafeTensorsHeader.Parse(path, json, stream.Length - dataStart);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafeTensorEntry> Entries => header.Entries;

    /// <summary>The free strings of the header.</summary>
    public IReadOnlyDictionary<string, string> Metadata => header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no whole safetensors file.</exception>
    public static SafeTensorsReader Open(string path)
    {
        var stream = Files.OpenRead(path);
        try
        {
            return new SafeTensorsReader(path, stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="BadFileException">There is none.</exception>
    public SafeTensorEntry Entry(string name) =>
        Entries.TryGetValue(name, out var entry) ? entry : throw Bad(name, $"the file has no such tensor among its {Entries.Count}.");

    /// <summary>Checks that a stored tensor exists, has this shape, and converts to this type.</summary>
    /// <exception cref="BadFileException">It does not.</exception>
    public SafeTensorEntry Check(string name, Shape shape, DType type)
    {
        var entry = Entry(name);
        if (IsSame(entry, shape, type)) return entry;
        if (!entry.Fits(shape)) throw Bad(name, $"the file has shape {entry.SizeText}, {shape} is needed.");
        bool converts = type != DType.I32 && SafeTensors.Converts<float>(entry.Type);
        return converts ? entry : throw Bad(name, $"the file has {entry.Type}, which does not convert to {type}.");
    }

    /// <summary>
    /// Overwrites a tensor in place with the stored one of the same shape: the same bits where the types are equal, else converted between
    /// F64, F32, F16 and BF16, and to Int8.
    /// </summary>
    /// <exception cref="BadFileException">No such tensor, another shape, or a type that does not convert.</exception>
    public void ReadInto(string name, Tensor tensor)
    {
        tensor.Device.Pager?.Settle();
        var entry = Check(name, tensor.Shape, tensor.Type);
        if (!tensor.Layout.IsContiguous)
        {
            using var dense = Tensor.Unowned(tensor.Device, tensor.Shape, tensor.Type, Use.Scratch, "SafeTensors");
            ReadInto(name, dense);
            tensor.Device.Backend.Copy(dense.Read("SafeTensors"), tensor.Write("SafeTensors"));
        }
        else if (IsSame(entry, tensor.Shape, tensor.Type)) Copy<byte>(entry, tensor);
        else if (tensor.Type == DType.F64) Copy<double>(entry, tensor);
        else Copy<float>(entry, tensor);
    }

    /// <summary>True where the file has the bytes of a tensor of this shape and type.</summary>
    private static bool IsSame(SafeTensorEntry entry, Shape shape, DType type)
    {
        var (name, sizes) = SafeTensors.StoredAs(shape, type);
        return entry.Type == name && entry.Sizes.SequenceEqual(sizes);
    }

    /// <summary>The stored values in row-major order as float, double, int, long or byte.</summary>
    /// <exception cref="BadFileException">No such tensor, a type that does not convert, or more elements than an array holds.</exception>
    public T[] Read<T>(string name) where T : unmanaged, INumber<T>
    {
        var entry = Entry(name);
        if (!SafeTensors.Converts<T>(entry.Type))
            throw Bad(name, $"the file has {entry.Type}, which does not convert to {SafeTensors.NameOf<T>()}.");
        if (entry.Count > Array.MaxLength)
            throw Bad(name, $"{entry.Count:N0} elements are more than an array holds; read it into a tensor.");
        var values = new T[entry.Count];
        int size = SafeTensors.SizeOf(entry.Type), piece = SafeTensors.ChunkBytes / 8;
        using var stored = new Pooled<byte>(Math.Min(piece, values.Length) * size);
        for (int i = 0; i < values.Length; i += piece)
        {
            int n = Math.Min(piece, values.Length - i);
            Files.ReadAt(stream, Path, name, dataStart + entry.Begin + (long)i * size, stored.Span[..(n * size)]);
            SafeTensors.Convert(entry.Type, stored.Span[..(n * size)], values.AsSpan(i, n));
        }

        return values;
    }

    /// <summary>Reads elements of a tensor as floats, from <paramref name="start"/> on.</summary>
    /// <exception cref="BadFileException">A type that does not convert, or the file cannot be read.</exception>
    internal void Read(SafeTensorEntry entry, long start, Span<float> values)
    {
        if (!SafeTensors.Converts<float>(entry.Type))
            throw Bad(entry.Name, $"the file has {entry.Type}, which does not convert to {SafeTensors.NameOf<float>()}.");
        int size = SafeTensors.SizeOf(entry.Type);
        using var stored = new Pooled<byte>(checked(values.Length * size));
        Files.ReadAt(stream, Path, entry.Name, dataStart + entry.Begin + start * size, stored.Span);
        SafeTensors.Convert(entry.Type, stored.Span, values);
    }

    /// <summary>
    /// Reads the whole file and compares it with the checksums that a writer with <see cref="SafeTensorsWriter.HasChecksums"/> put in.
    /// </summary>
    /// <exception cref="BadFileException">A bit of the header or of a tensor is another one, or the file has no checksums.</exception>
    public void Verify()
    {
        if (!Checksums.IsIntact(json)) throw Bad("header", "its checksum differs, or is missing; the file is damaged.");
        var sums = Checksums.Get(Path, Metadata);
        using var bytes = new Pooled<byte>((int)Math.Min(SafeTensors.ChunkBytes, stream.Length));
        foreach (var entry in Entries.Values)
        {
            if (!sums.TryGetValue(entry.Name, out uint sum)) throw Bad(entry.Name, "its checksum is missing; the file is damaged.");
            if (Sum(entry, bytes.Span) != sum) throw Bad(entry.Name, "its checksum differs; the file is damaged.");
        }
    }

    /// <summary>True where a writer put checksums in, or what is left of them.</summary>
    internal bool HasChecksums => Metadata.Keys.Any(Checksums.IsField);

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private uint Sum(SafeTensorEntry entry, Span<byte> bytes)
    {
        uint sum = 0;
        for (long at = entry.Begin; at < entry.End; at += bytes.Length)
        {
            var piece = bytes[..(int)Math.Min(bytes.Length, entry.End - at)];
            Files.ReadAt(stream, Path, entry.Name, dataStart + at, piece);
            sum = Checksums.Append(sum, piece);
        }

        return sum;
    }

    /// <summary>Copies piece by piece; T is the tensor's element type, or byte where no bit changes.</summary>
    private void Copy<T>(SafeTensorEntry entry, Tensor tensor) where T : unmanaged, INumber<T>
    {
        bool same = typeof(T) == typeof(byte);
        int size = SafeTensors.SizeOf(entry.Type), most = (int)Math.Min(SafeTensors.ChunkBytes / 8, entry.Count);
        using var stored = new Pooled<byte>((int)Math.Min(SafeTensors.ChunkBytes, entry.End - entry.Begin));
        using var converted = new Pooled<T>(same ? 0 : most);
        long place = dataStart + entry.Begin;
        foreach (var piece in TensorPieces.Of(tensor.Write("SafeTensors")))
        {
            int n = (int)piece.Count;
            var bytes = stored.Span[..(same ? (int)tensor.Type.Bytes(n) : n * size)];
            Files.ReadAt(stream, Path, entry.Name, place, bytes);
            place += bytes.Length;
            if (!same) SafeTensors.Convert(entry.Type, bytes, converted.Span[..n]);
            if (!same && tensor.Type.IsStored()) Round<T>(converted.Span[..n], tensor, piece.Layout);
            else tensor.Device.Backend.Write(piece, same ? bytes : MemoryMarshal.AsBytes(converted.Span[..n]));
        }
    }

    private static void Round<T>(ReadOnlySpan<T> values, Tensor tensor, in Layout layout) where T : unmanaged
    {
        using var place = tensor.ViewAs(layout, "SafeTensors");
        place.CopyFrom(values);
    }

    private long HeaderLength()
    {
        if (stream.Length < 8)
            throw Bad("header", $"the file has {stream.Length} bytes; a safetensors file starts with 8 bytes of header length.");
        Span<byte> bytes = stackalloc byte[8];
        Files.ReadAt(stream, Path, "header", 0, bytes);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (length > SafeTensors.LongestHeader)
            throw Bad("header", $"a length of {length:N0} bytes; at most {SafeTensors.LongestHeader:N0} are accepted. "
                + "Is it a safetensors file?");
        if ((long)length > stream.Length - 8)
            throw Bad("header", $"a length of {length:N0} bytes in a file of {stream.Length:N0}; it was cut short?");
        return (long)length;
    }

    private BadFileException Bad(string field, string problem) => new(Path, field, problem);

    /// <summary>A piece of memory from the shared pool, no larger than what is read asks for.</summary>
    private readonly struct Pooled<T>(int length) : IDisposable where T : unmanaged
    {
        private readonly T[] array = ArrayPool<T>.Shared.Rent(length);

        public Span<T> Span => array.AsSpan(0, length);

        public void Dispose() => ArrayPool<T>.Shared.Return(array);
    }
}
