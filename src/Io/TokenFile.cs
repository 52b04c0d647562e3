using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// A file of token ids as unsigned little-endian numbers, of which nothing is read before it is needed: nanoGPT's <c>.bin</c>, which
/// has nothing but ids of 16 bits in it, or llm.c's, with a header of 256 32-bit integers. They begin with 20240520, the version 1 and the
/// number of ids of 16 bits; or with 20240801, the version 7 and the number of ids of 32 bits (llm.c's dev/data/data_common.py). The header
/// tells which. Files that <see cref="TokenFileWriter"/> wrote say more there, see <see cref="Info"/>; of ids that are not all to be
/// learned they begin with 20261126 and the version 1, so that other programs do not take the mark of an id for a part of it.
/// </summary>
public sealed class TokenFile : ITokens, IDisposable
{
    private const int HeaderBytes = TokenFileHeader.Bytes, PieceIds = 1 << 13;
    private readonly FileStream stream;
    private readonly int dataStart, idBytes;
    private readonly long length;
    private readonly DateTime changed;

    private TokenFile(string path, FileStream stream)
    {
        Path = path;
        this.stream = stream;
        length = stream.Length;
        changed = File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        (dataStart, idBytes, bool isMarked) = Layout(stream);
        Count = (length - dataStart) / idBytes;
        if (dataStart > 0) Info = ReadInfo(stream, isMarked);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public long Count { get; }

    /// <summary>What a prepared file says of itself; null for one of another writer.</summary>
    public TokenFileInfo? Info { get; }

    /// <inheritdoc/>
    public bool HasIgnored => Info?.HasIgnored == true;

    /// <inheritdoc/>
    public int? Separator => Info is { Separator: >= 0 and var id } ? id : null;

    /// <summary>Opens a file and checks its length.</summary>
    /// <exception cref="InputException">It cannot be read, or is empty.</exception>
    /// <exception cref="BadFileException">It is cut short, or of an unknown version.</exception>
    public static TokenFile Open(string path)
    {
        var stream = Files.OpenRead(path);
        try
        {
            return Files.Guard($"Cannot read '{path}'", () => new TokenFile(path, stream));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="BadFileException">The file was cut or changed since it was opened, or cannot be read any more.</exception>
    public void Copy(long start, Span<int> ids)
    {
        if (start < 0 || start > Count - ids.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"{Path}: ids {start} to {start + ids.Length} of {Count}.");
        CopyMarked(start, ids);
        if (HasIgnored) Marks.Clear(ids);
    }

    /// <inheritdoc/>
    /// <exception cref="BadFileException">The file was cut or changed since it was opened, or cannot be read any more.</exception>
    public void CopyTargets(long start, Span<int> targets)
    {
        if (!HasIgnored)
        {
            Copy(start, targets);
            return;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Count - targets.Length);
        CopyMarked(start, targets);
        Marks.Ignore(targets);
    }

    private void CopyMarked(long start, Span<int> ids)
    {
        if (idBytes == sizeof(int)) Read(start, MemoryMarshal.AsBytes(ids));
        else Widen(start, ids);
        CheckUnchanged();
    }

    private TokenFileInfo? ReadInfo(FileStream stream, bool isMarked)
    {
        byte[] header = new byte[HeaderBytes];
        Files.ReadAt(stream, Path, "header", 0, header);
        var info = TokenFileHeader.Read(Path, header, isMarked, Count);
        return info is not null || !isMarked ? info
            : throw Bad("header", "it says that some ids are not to be learned, and lacks the rest.");
    }

    private void Widen(long start, Span<int> ids)
    {
        Span<ushort> piece = stackalloc ushort[Math.Min(ids.Length, PieceIds)];
        for (; ids.Length > 0; ids = ids[piece.Length..])
        {
            piece = piece[..Math.Min(piece.Length, ids.Length)];
            Read(start, MemoryMarshal.AsBytes(piece));
            for (int i = 0; i < piece.Length; i++) ids[i] = piece[i];
            start += piece.Length;
        }
    }

    /// <summary>Reads and does not map: of a file that was cut a map has pages that end the process.</summary>
    private void Read(long start, Span<byte> bytes) => Files.ReadAt(stream, Path, "ids", dataStart + start * idBytes, bytes);

    private void CheckUnchanged()
    {
        if (RandomAccess.GetLength(stream.SafeFileHandle) != length || File.GetLastWriteTimeUtc(stream.SafeFileHandle) != changed)
            throw Bad("ids", "the file was changed while it was read; begin again with a file that stays as it is.");
    }

    /// <summary>The largest id, found by reading all of them.</summary>
    /// <exception cref="BadFileException">An id of 32 bits is beyond 31.</exception>
    public int LargestId()
    {
        int largest = 0;
        Span<int> ids = stackalloc int[PieceIds];
        for (long start = 0; start < Count; start += ids.Length)
        {
            ids = ids[..(int)Math.Min(ids.Length, Count - start)];
            Copy(start, ids);
            foreach (int id in ids)
                largest = id >= 0 ? Math.Max(largest, id) : throw Bad("ids", $"{(uint)id} is beyond the range of a vocabulary.");
        }

        return largest;
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    /// <summary>The first id's byte, after the header where there is one, and the bytes of an id.</summary>
    private (int Start, int IdBytes, bool IsMarked) Layout(FileStream stream)
    {
        long bytes = stream.Length;
        if (bytes == 0) throw new InputException($"'{Path}' is empty; there is nothing to learn from.");
        Span<byte> start = stackalloc byte[3 * sizeof(int)];
        if (bytes >= start.Length) stream.ReadExactly(start);
        foreach (var kind in TokenFileHeader.Kinds)
            if (bytes >= start.Length && Field(start, 0) == kind.Magic)
                return (HeaderBytes, Check(kind.Version, kind.IdBytes, start, bytes), kind.IsMarked);
        if (bytes % sizeof(ushort) != 0) throw Bad("length", $"{bytes} bytes are no whole number of 16-bit ids; it was cut short?");
        CheckRaw(stream);
        return (0, sizeof(ushort), false);
    }

    private int Check(int version, int size, ReadOnlySpan<byte> start, long bytes)
    {
        if (Field(start, 1) != version)
            throw Bad("version", $"{Field(start, 1)} is unknown; version {version}, of {8 * size}-bit ids, is needed.");
        long said = Field(start, 2), needed = HeaderBytes + said * size;
        return said > 0 && bytes == needed ? size : throw Bad("count", $"{said} ids need {needed} bytes, the file has {bytes}; "
            + (bytes < needed ? "it was cut short?" : said <= 0 ? "its writer did not end it?" : "something else was added to it?"));
    }

    /// <summary>Nobody says how long raw ids are. Where they are plainly not of 16 bits, every one read as such would be wrong.</summary>
    private void CheckRaw(FileStream stream)
    {
        Span<byte> start = stackalloc byte[2 * PieceIds];
        stream.Position = 0;
        start = start[..(stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) / sizeof(ushort) * sizeof(ushort))];
        if (RawIds.Otherwise(start) is { } found)
            throw Bad("ids", $"the file looks like {found}, and without a header it would be read as ids of 16 bits. "
                + "Write those (as numpy's astype('uint16').tofile does), or llm.c's header of 32-bit ids in front.");
    }

    private static int Field(ReadOnlySpan<byte> header, int index) =>
        BinaryPrimitives.ReadInt32LittleEndian(header[(index * sizeof(int))..]);

    private BadFileException Bad(string field, string problem) => new(Path, field, problem);
}
