using System.Buffers;

namespace Mayfly;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Sizes">Its sizes, the outermost first, as everywhere here; the file has them in the other order.</param>
/// <param name="Type">How its elements are stored; null where that is not known.</param>
/// <param name="TypeName">The type's name.</param>
/// <param name="Offset">Where it begins among the tensors' bytes.</param>
internal sealed record GgufEntry(string Name, long[] Sizes, GgufType? Type, string TypeName, long Offset)
{
    /// <summary>The number of elements.</summary>
    public long Count => Sizes.Aggregate(1L, (count, size) => checked(count * size));

    /// <summary>The bytes it takes.</summary>
    public long Bytes => checked(Count / Type!.Block * Type.Bytes);
}

/// <summary>
/// An open GGUF file, version 2 or 3 (ggml/docs/gguf.md). Opening reads and checks the header; tensors are read in parts. No memory is
/// taken for a length that the file has not.
/// </summary>
internal sealed class GgufReader : IDisposable
{
    private const int DefaultAlignment = 32, MostAxes = 4;
    private readonly FileStream stream;
    private readonly Dictionary<string, GgufEntry> entries = new(StringComparer.Ordinal);
    private readonly long dataStart;

    private GgufReader(string path, FileStream stream)
    {
        (Path, this.stream) = (path, stream);
        var header = new GgufHeader(path, stream);
        (long tensors, long fields) = header.ReadCounts();
        Fields = header.ReadFields(fields);
        for (long i = 0; i < tensors; i++) Add(header.ReadEntry(MostAxes));
        long alignment = Fields.GetValueOrDefault("general.alignment") is long given ? given : DefaultAlignment;
        if (alignment is <= 0 or > 1 << 20 || (alignment & (alignment - 1)) != 0)
            throw Bad("general.alignment", $"{alignment} is no power of two that can be used.");
        dataStart = (header.Position + alignment - 1) / alignment * alignment;
        CheckPlaces(alignment);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufEntry> Entries => entries;

    /// <summary>The fields of the header: strings, whole numbers (long), numbers (double), truth values, and arrays of them.</summary>
    public IReadOnlyDictionary<string, object> Fields { get; }

    /// <summary>True where a file begins as GGUF files do.</summary>
    public static bool Fits(string path)
    {
        using var stream = Files.OpenRead(path);
        Span<byte> magic = stackalloc byte[4];
        return stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual(GgufHeader.Magic);
    }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no whole GGUF file.</exception>
    public static GgufReader Open(string path)
    {
        var stream = Files.OpenRead(path);
        try
        {
            return BadFileException.Guard(path, "header", "it cannot be read", () => new GgufReader(path, stream));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads elements of a tensor as floats.</summary>
    /// <param name="entry">The tensor.</param>
    /// <param name="start">The first element.</param>
    /// <param name="values">As many as are read.</param>
    /// <exception cref="BadFileException">Its type is not known, or the file cannot be read.</exception>
    public void Read(GgufEntry entry, long start, Span<float> values)
    {
        var type = entry.Type ?? throw Bad(entry.Name, $"its type is {entry.TypeName}; {GgufType.Names} are read.");
        long first = start / type.Block, end = (start + values.Length + type.Block - 1) / type.Block;
        int count = checked((int)(end - first));
        byte[] bytes = ArrayPool<byte>.Shared.Rent(count * type.Bytes);
        float[] whole = ArrayPool<float>.Shared.Rent(count * type.Block);
        Files.ReadAt(stream, Path, entry.Name, dataStart + entry.Offset + first * type.Bytes, bytes.AsSpan(0, count * type.Bytes));
        type.Widen(bytes.AsSpan(0, count * type.Bytes), whole.AsSpan(0, count * type.Block));
        whole.AsSpan((int)(start - first * type.Block), values.Length).CopyTo(values);
        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<float>.Shared.Return(whole);
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private void Add(GgufEntry entry)
    {
        if (!entries.TryAdd(entry.Name, entry)) throw Bad(entry.Name, "the name appears twice.");
    }

    /// <summary>Tensors of types that are not known may be anywhere: nothing reads them.</summary>
    private void CheckPlaces(long alignment)
    {
        long end = 0;
        foreach (var entry in entries.Values.Where(entry => entry.Type is not null).OrderBy(entry => entry.Offset))
        {
            if (entry.Sizes[^1] % entry.Type!.Block != 0)
                throw Bad(entry.Name, $"rows of {entry.Sizes[^1]} elements are no multiple of the {entry.Type.Block} of {entry.TypeName}.");
            if (entry.Offset % alignment != 0) throw Bad(entry.Name, $"it begins at byte {entry.Offset}, no multiple of {alignment}.");
            if (entry.Offset < end) throw Bad(entry.Name, $"it begins at byte {entry.Offset}, within another tensor.");
            if (entry.Bytes > stream.Length - dataStart - entry.Offset)
                throw Bad(entry.Name, $"its {entry.Bytes:N0} bytes end beyond the file's {stream.Length:N0}; it was cut short?");
            end = entry.Offset + entry.Bytes;
        }
    }

    private BadFileException Bad(string field, string problem) => new(Path, field, problem);
}
