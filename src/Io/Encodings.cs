using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Mayfly;

/// <summary>Tells UTF-8 text from what else a file can hold.</summary>
internal static class Encodings
{
    private const string Unpack = "unpack it first";

    /// <summary>What a file is by its first bytes, and the remedy. UTF-32 stands before UTF-16, whose mark it begins with.</summary>
    private static readonly (byte[] Start, string What, string Remedy)[] Known =
    [
        ([0xFF, 0xFE, 0, 0], "UTF-32 text", Convert("UTF-32")),
        ([0, 0, 0xFE, 0xFF], "UTF-32 text", Convert("UTF-32")),
        ([0xFF, 0xFE], "UTF-16 text", Convert("UTF-16")),
        ([0xFE, 0xFF], "UTF-16 text", Convert("UTF-16")),
        ([0x1F, 0x8B], "a gzip archive", Unpack),
        ([0x28, 0xB5, 0x2F, 0xFD], "a zstd archive", Unpack),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "an xz archive", Unpack),
        ([.. "PK\u0003\u0004"u8], "a zip archive", Unpack),
        ([.. "PAR1"u8], "a Parquet table", "write its texts to a .jsonl file first"),
        ([.. "%PDF-"u8], "a PDF", "take its text out first"),
    ];

    /// <summary>Why bytes are no UTF-8 text, and what to do; null where they are.</summary>
    /// <param name="bytes">A file, or a part of one.</param>
    /// <param name="place">Where the part begins.</param>
    public static string? Problem(ReadOnlySpan<byte> bytes, long place = 0) => Find(bytes, place).Problem;

    /// <summary>Like <see cref="Problem"/>, and whether the bytes are text all the same, of another encoding.</summary>
    public static (string? Problem, bool IsText) Find(ReadOnlySpan<byte> bytes, long place = 0)
    {
        int nul = bytes.IndexOf((byte)0);
        if (nul < 0 && Utf8.IsValid(bytes)) return (null, true);
        foreach (var (start, what, remedy) in Known)
            if (place == 0 && bytes.StartsWith(start))
                return ($"it is {what}, not UTF-8; {remedy}.", what.EndsWith("text", StringComparison.Ordinal) && IsLong(bytes));
        return nul >= 0 ? OfNul(bytes, nul, place) : OfByte(bytes, FirstInvalid(bytes), place);
    }

    /// <summary>A mark and little more begin other files, too.</summary>
    private static bool IsLong(ReadOnlySpan<byte> bytes) => bytes.Length >= 8;

    /// <summary>The bytes behind a byte order mark.</summary>
    public static ReadOnlySpan<byte> WithoutMark(ReadOnlySpan<byte> bytes) =>
        bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;

    private static string Convert(string from) => $"convert it first, as by iconv -f {from} -t UTF-8";

    /// <summary>Most characters of UTF-16 text have a zero for one of their bytes, always the same one of a pair.</summary>
    private static (string Problem, bool IsText) OfNul(ReadOnlySpan<byte> bytes, int nul, long place)
    {
        bytes = bytes[..Math.Min(bytes.Length, 1 << 12)];
        int[] zeros = new int[2];
        for (int i = 0; i < bytes.Length; i++)
            if (bytes[i] == 0) zeros[i % 2]++;
        int most = Math.Max(bytes.Length / 4, 3);
        if (zeros[1] > most && zeros[0] == 0) return ($"it looks like UTF-16 text, not UTF-8; {Convert("UTF-16LE")}.", true);
        if (zeros[0] > most && zeros[1] == 0) return ($"it looks like UTF-16 text, not UTF-8; {Convert("UTF-16BE")}.", true);
        return (string.Create(CultureInfo.InvariantCulture,
            $"byte {place + nul:N0} is NUL, which no text has; take the NULs out, as by tr -d '\\000', if it is text."), false);
    }

    private static (string Problem, bool IsText) OfByte(ReadOnlySpan<byte> bytes, int at, long place)
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"it is not UTF-8: byte {place + at:N0} is 0x{bytes[at]:X2}");
        return LooksLatin(bytes) ? ($"{where}, as in Latin-1 or Windows-1252; {Convert("WINDOWS-1252")}.", true)
            : ($"{where}; {Convert("its encoding")}, if it is text.", false);
    }

    /// <summary>Letters beyond ASCII here and there, and no control characters.</summary>
    private static bool LooksLatin(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, 1 << 16)];
        int beyond = 0;
        foreach (byte value in bytes)
        {
            if (value < 0x20 && value is not ((byte)'\t' or (byte)'\n' or (byte)'\r')) return false;
            if (value >= 0x80) beyond++;
        }

        return beyond <= bytes.Length / 2;
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == System.Buffers.OperationStatus.Done) at += length;
        return at;
    }
}
