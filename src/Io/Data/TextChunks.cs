using System.Text;

namespace Mayfly;

/// <summary>
/// Reads text in chunks that end where byte-level encodings cut in any case: after a line between characters that are no white space, or
/// between a letter and a space before another. So the pieces of the chunks are those of the whole text.
/// </summary>
internal static class TextChunks
{
    /// <summary>How far from its end a chunk is searched for such a place.</summary>
    private const int Searched = 1 << 16;

    /// <summary>The chunks of a text, each in memory of its own.</summary>
    /// <param name="stream">The text.</param>
    /// <param name="size">The most bytes of a chunk.</param>
    public static IEnumerable<byte[]> Read(Stream stream, int size)
    {
        var buffer = new byte[size];
        int filled = 0;
        for (bool isLast = false; !isLast;)
        {
            int read = stream.ReadAtLeast(buffer.AsSpan(filled), size - filled, throwOnEndOfStream: false);
            (isLast, filled) = (read < size - filled, filled + read);
            int end = isLast ? filled : End(buffer.AsSpan(0, filled));
            if (end > 0) yield return buffer[..end];
            buffer.AsSpan(end, filled - end).CopyTo(buffer);
            filled -= end;
        }
    }

    /// <summary>The last good place; where there is none, the last between two characters.</summary>
    private static int End(ReadOnlySpan<byte> text)
    {
        int least = Math.Max(1, text.Length - Searched);
        for (int end = text.Length - 1; end >= least; end--)
            if (IsGood(text, end)) return end;
        int last = text.Length;
        while (last > text.Length - 3 && last > 1 && Rune.DecodeLastFromUtf8(text[..last], out _, out _) != 0) last--;
        return last;
    }

    private static bool IsGood(ReadOnlySpan<byte> text, int at) =>
        (text[at - 1] == '\n' && Before(text, at - 1) is { } before && After(text, at) is { } after
            && !Rune.IsWhiteSpace(before) && !Rune.IsWhiteSpace(after))
        || (text[at] == ' ' && Before(text, at) is { } last && After(text, at + 1) is { } first
            && Rune.IsLetter(last) && Rune.IsLetter(first));

    private static Rune? Before(ReadOnlySpan<byte> text, int at) =>
        Rune.DecodeLastFromUtf8(text[..at], out var rune, out _) == 0 ? rune : null;

    private static Rune? After(ReadOnlySpan<byte> text, int at) => Rune.DecodeFromUtf8(text[at..], out var rune, out _) == 0 ? rune : null;
}
