using System.Globalization;

namespace Mayfly;

/// <summary>Cuts a file into lines without holding more than one of them, whose length is bounded.</summary>
internal sealed class LineReader(string path, Stream stream, int longest)
{
    private const int Piece = 1 << 16;
    private byte[] buffer = new byte[stream.CanSeek ? Math.Min(Piece, stream.Length + 1) : Piece];
    private int start, end;
    private long number;

    /// <summary>What messages call the last line.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"line {number}");

    /// <summary>The next line without its end, which holds until the one after it is read; null after the last.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">A line is too long.</exception>
    public ReadOnlyMemory<byte>? Next()
    {
        number++;
        for (int known = 0; ;)
        {
            int length = buffer.AsSpan(start + known, end - start - known).IndexOf((byte)'\n');
            if (length >= 0) return Take(known + length, 1);
            known = end - start;
            if (known > longest) throw TooLong();
            if (Fill()) continue;
            if (known == 0) return null;
            return Take(known, 0);
        }
    }

    private ReadOnlyMemory<byte> Take(int length, int lineEnd)
    {
        if (length > longest) throw TooLong();
        var line = buffer.AsMemory(start, length);
        start += length + lineEnd;
        // the mark is no part of the text
        return number == 1 ? line[(length - Encodings.WithoutMark(line.Span).Length)..] : line;
    }

    /// <summary>Reads more behind what is left; false at the end of the file.</summary>
    private bool Fill()
    {
        int left = end - start;
        byte[] room = left < buffer.Length / 2 || buffer.Length > longest ? buffer : new byte[Math.Min(2L * buffer.Length, longest + 2L)];
        buffer.AsSpan(start, left).CopyTo(room);
        (buffer, start, end) = (room, 0, left);
        int count = Files.Guard($"Cannot read '{path}'", () => stream.Read(buffer, end, buffer.Length - end));
        end += count;
        return count > 0;
    }

    private BadFileException TooLong() => new(path, Name, string.Create(CultureInfo.InvariantCulture,
        $"it has more than {longest:N0} bytes, the most of a line; end each object with a line end."));
}
