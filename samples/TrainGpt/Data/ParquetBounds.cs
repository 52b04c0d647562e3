using System.Buffers.Binary;

namespace TrainGpt;

/// <summary>
/// Checks what a Parquet file says about lengths against the bytes that are there, before the package reads it, which takes memory for
/// whatever is said and reads on behind the end of a footer that is cut. Source: parquet.thrift of apache/parquet-format.
/// </summary>
internal sealed class ParquetBounds(string path, Stream stream)
{
    /// <summary>The most rows of a group, how many any file may have, and above those how many a byte of it stands for.</summary>
    private const long MostRows = 1 << 24, FewRows = 1 << 16, RowsOfByte = 64;

    /// <summary>What a page unpacks to: a gigabyte of one letter is packed about 1000 to 1.</summary>
    private const long MostTimes = 1100, SmallPage = 1 << 16;

    private const int Tail = 8, MostHeader = 1 << 17, Dictionary = 2, Snappy = 1;
    private readonly Lazy<List<object>> groups = new(() => Groups(path, stream));

    /// <summary>Checks the footer.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public void CheckFooter() => _ = groups.Value;

    /// <summary>Checks what a row group says of its columns and the pages of those that are read.</summary>
    /// <param name="group">Its number.</param>
    /// <param name="columns">The paths of the columns.</param>
    /// <exception cref="BadFileException">A length does not fit.</exception>
    public void Check(int group, IReadOnlyCollection<string> columns)
    {
        string where = $"row group {group}";
        BadFileException.Guard(path, where, "it is damaged", () =>
        {
            var fields = (Dictionary<int, object>)groups.Value[group];
            long rows = (long)fields[3];
            if (rows < 0 || rows > Math.Min(MostRows, FewRows + RowsOfByte * stream.Length))
                throw new BadFileException(path, where, $"{rows} rows in a file of {stream.Length} bytes; at most {MostRows} are read.");
            foreach (var chunk in (List<object>)fields[1])
                if (((Dictionary<int, object>)chunk).GetValueOrDefault(3) is Dictionary<int, object> meta && columns.Contains(PathOf(meta)))
                    CheckPages(where + ", " + PathOf(meta), meta, rows);
            return true;
        });
    }

    private static List<object> Groups(string path, Stream stream) => BadFileException.Guard(path, "footer", "it is no Parquet table", () =>
    {
        var tail = Bytes(stream, stream.Length - Tail, Tail);
        int length = BinaryPrimitives.ReadInt32LittleEndian(tail);
        if (!tail.AsSpan(4).SequenceEqual("PAR1"u8)) throw new InvalidDataException("it does not end with PAR1");
        if (length < 0 || length > stream.Length - Tail) throw new InvalidDataException($"a footer of {length} bytes");
        return (List<object>)new ThriftReader(Bytes(stream, stream.Length - Tail - length, length)).Struct()[4];
    });

    private static string PathOf(Dictionary<int, object> meta) => string.Join('/',
        ((List<object>)meta[3]).Select(part => System.Text.Encoding.UTF8.GetString(((ReadOnlyMemory<byte>)part).Span)));

    /// <summary>The pages follow each other from the first one named until all values are read.</summary>
    private void CheckPages(string where, Dictionary<int, object> meta, long rows)
    {
        long values = (long)meta[5];
        if (values != rows) throw new BadFileException(path, where, $"{values} values in {rows} rows.");
        long offset = new[] { 9, 10, 11 }.Select(field => (long)meta.GetValueOrDefault(field, 0L)).Where(at => at != 0).Min();
        while (values > 0)
        {
            var reader = new ThriftReader(Bytes(stream, offset, (int)Math.Min(MostHeader, stream.Length - offset)));
            var header = reader.Struct();
            (long unpacked, long packed) = ((long)header[2], (long)header[3]);
            long first = offset + reader.Position;
            offset = first + packed;
            if (packed < 0 || offset > stream.Length) throw new BadFileException(path, where, $"a page of {packed} bytes, beyond the end.");
            if (unpacked < 0 || unpacked > SmallPage + MostTimes * packed)
                throw new BadFileException(path, where, $"a page of {packed} bytes that unpacks to {unpacked}.");
            if ((long)meta[4] == Snappy && packed > 0) CheckSnappy(where, header, first, packed, unpacked);
            values -= Values(where, header, unpacked, values);
        }
    }

    /// <summary>What Snappy has packed begins with its length; in a page of the second version after levels that are not packed.</summary>
    private void CheckSnappy(string where, Dictionary<int, object> header, long first, long packed, long unpacked)
    {
        var page = header.GetValueOrDefault(8) as Dictionary<int, object>;
        long levels = page is null ? 0 : (long)page[5] + (long)page[6];
        if (levels < 0 || levels > packed) throw new BadFileException(path, where, $"levels of {levels} bytes in a page of {packed}.");
        if (page?.GetValueOrDefault(7) is false || levels == packed) return;
        var reader = new ThriftReader(Bytes(stream, first + levels, (int)Math.Min(10, packed - levels)));
        if (reader.Varint() is var length && length != (ulong)(unpacked - levels))
            throw new BadFileException(path, where, $"a page of {unpacked} bytes whose own length is {length}.");
    }

    /// <summary>How many of the column's values a page has; those of its dictionary are none of them.</summary>
    private long Values(string where, Dictionary<int, object> header, long unpacked, long most)
    {
        bool isDictionary = (long)header[1] == Dictionary;
        var page = (Dictionary<int, object>)(header.GetValueOrDefault(5) ?? header.GetValueOrDefault(8) ?? header[7]);
        long values = (long)page[1];
        if (values < 0 || values > (isDictionary ? unpacked / sizeof(int) : most))
            throw new BadFileException(path, where, $"a page of {values} values, where at most {most} can be.");
        return isDictionary ? 0 : values;
    }

    private static byte[] Bytes(Stream stream, long offset, int count)
    {
        if (offset < 0 || count < 0) throw new InvalidDataException("an offset outside of the file");
        var bytes = new byte[count];
        stream.Seek(offset, SeekOrigin.Begin);
        stream.ReadExactly(bytes);
        return bytes;
    }
}
