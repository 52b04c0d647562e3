using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>Reads a whole text file: UTF-8, with or without a byte order mark. What else is in a file is named, with the remedy.</summary>
public static class TextFile
{
    /// <summary>The most bytes of a tokenizer as JSON: 256 MiB.</summary>
    public const int LongestJson = 256 << 20;

    /// <summary>The most characters of a .NET string.</summary>
    internal const int LongestText = 0x3FFFFFDF;

    private const double Gigabyte = 1e9;
    private const int Sniffed = 1 << 20;

    /// <summary>Reads a file. Its length is looked at before any memory is taken.</summary>
    /// <param name="path">The file.</param>
    /// <param name="longest">The most bytes it may have.</param>
    /// <exception cref="InputException">It cannot be read, or is longer than one text or this machine's memory.</exception>
    /// <exception cref="BadFileException">It is no UTF-8 text, or longer than <paramref name="longest"/>.</exception>
    public static string Read(string path, long longest = long.MaxValue)
    {
        using var stream = Files.OpenRead(path);
        if (stream.Length > longest)
            throw new BadFileException(path, "length", Invariant($"it has {stream.Length:N0} bytes; at most {longest:N0} are read."));
        if (stream.Length > Array.MaxLength) throw new InputException($"'{path}' has {Size(stream.Length)}; {Remedy}");
        CheckFits($"'{path}'", stream.Length, 1 + sizeof(char));
        byte[] bytes = new byte[stream.Length];
        int count = Files.Guard($"Cannot read '{path}'", () => stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        return Decode(path, "text", bytes.AsSpan(0, count));
    }

    /// <summary>
    /// Looks at the first megabyte of a file: why it is no UTF-8 text, or null; and whether it is text all the same, of another encoding.
    /// </summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static (string? Problem, bool IsText) Sniff(string path)
    {
        using var stream = Files.OpenRead(path);
        foreach (byte[] begin in TextChunks.Read(stream, Sniffed)) return Encodings.Find(begin);
        return (null, true);
    }

    /// <summary>What to do about a text that is too long.</summary>
    internal static string Remedy => Invariant(
        $"one text has at most 2 gigabytes and {LongestText:N0} characters. Split it into smaller files of one folder, or give token ids ")
        + "as "
        + "a .bin file, which is not read into memory.";

    /// <summary>The text of bytes without a byte order mark.</summary>
    /// <exception cref="InputException">There are more characters than one text has.</exception>
    /// <exception cref="BadFileException">They are no text; the message says what they are.</exception>
    internal static string Decode(string file, string field, ReadOnlySpan<byte> bytes)
    {
        if (Encodings.Problem(bytes) is { } problem) throw new BadFileException(file, field, problem);
        bytes = Encodings.WithoutMark(bytes);
        int count = Encoding.UTF8.GetCharCount(bytes);
        return count <= LongestText ? Encoding.UTF8.GetString(bytes)
            : throw new InputException(Invariant($"'{file}' has {count:N0} characters; {Remedy}"));
    }

    /// <summary>Refuses what would take more memory than there is.</summary>
    /// <param name="what">It, at the beginning of a sentence.</param>
    /// <param name="length">Its length in bytes or characters.</param>
    /// <param name="each">The bytes of memory for each of them.</param>
    /// <exception cref="InputException">It would.</exception>
    internal static void CheckFits(string what, long length, int each)
    {
        long memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (length > memory / each)
            throw new InputException($"{what} has {Size(length)} and takes {Size(each * length)} of memory, of which there are "
                + $"{Size(memory)}; give less text, or token ids as a .bin file, which is not read into memory.");
    }

    private static string Size(long bytes) => Invariant($"{bytes / Gigabyte:F1} gigabytes");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
