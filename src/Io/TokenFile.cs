using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace Mayfly;

/// <summary>
/// A file of token ids as unsigned 16-bit little-endian numbers, mapped into memory and not read before it is needed: nanoGPT's <c>.bin</c>, which
/// has nothing else in it, or llm.c's, with a header of 256 32-bit integers (20240520, the version 1, the number of ids). The header tells which.
/// </summary>
public sealed class TokenFile : ITokens, IDisposable
{
    private const int Magic = 20240520, Version = 1, HeaderBytes = 256 * sizeof(int), PieceIds = 1 << 12;
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly int dataStart;

    private TokenFile(string path, FileStream stream)
    {
        Path = path;
        dataStart = IdsStart(stream);
        Count = (stream.Length - dataStart) / sizeof(ushort);
        map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = map.CreateViewAccessor(0, stream.Length, MemoryMappedFileAccess.Read);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public long Count { get; }

    /// <summary>Opens a file and checks its length.</summary>
    /// <exception cref="InputException">It cannot be read, or is empty.</exception>
    /// <exception cref="BadFileException">It is cut short, or of an unknown version.</exception>
    public static TokenFile Open(string path)
    {
        var stream = Files.OpenRead(path);
        try
        {
            return Files.Guard($"Cannot map '{path}'", () => new TokenFile(path, stream));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Copy(long start, Span<int> ids)
    {
        if (start < 0 || start > Count - ids.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"{Path}: ids {start} to {start + ids.Length} of {Count}.");
        Span<ushort> piece = stackalloc ushort[Math.Min(ids.Length, PieceIds)];
        for (; ids.Length > 0; ids = ids[piece.Length..])
        {
            piece = piece[..Math.Min(piece.Length, ids.Length)];
            view.SafeMemoryMappedViewHandle.ReadSpan((ulong)(dataStart + start * sizeof(ushort)), piece);
            for (int i = 0; i < piece.Length; i++) ids[i] = piece[i];
            start += piece.Length;
        }
    }

    /// <summary>The largest id, found by reading all of them.</summary>
    public int LargestId()
    {
        int largest = 0;
        Span<int> ids = stackalloc int[PieceIds];
        for (long start = 0; start < Count; start += ids.Length)
        {
            ids = ids[..(int)Math.Min(ids.Length, Count - start)];
            Copy(start, ids);
            foreach (int id in ids) largest = Math.Max(largest, id);
        }

        return largest;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        view.Dispose();
        map.Dispose();
    }

    /// <summary>The first id's byte, after the header where there is one.</summary>
    private int IdsStart(FileStream stream)
    {
        long bytes = stream.Length;
        if (bytes == 0) throw new InputException($"'{Path}' is empty; there is nothing to learn from.");
        Span<byte> header = stackalloc byte[3 * sizeof(int)];
        if (bytes >= header.Length) stream.ReadExactly(header);
        if (bytes < header.Length || Field(header, 0) != Magic)
            return bytes % sizeof(ushort) == 0 ? 0 : throw Bad("length", $"{bytes} bytes are no whole number of 16-bit ids; it was cut short?");

        if (Field(header, 1) != Version) throw Bad("version", $"{Field(header, 1)} is unknown; version {Version}, of 16-bit ids, is needed.");
        long said = Field(header, 2), needed = HeaderBytes + said * sizeof(ushort);
        return said > 0 && bytes == needed ? HeaderBytes : throw Bad("count", $"{said} ids need {needed} bytes, the file has {bytes}; it was cut short?");
    }

    private static int Field(ReadOnlySpan<byte> header, int index) => BinaryPrimitives.ReadInt32LittleEndian(header[(index * sizeof(int))..]);

    private BadFileException Bad(string field, string problem) => new(Path, field, problem);
}
