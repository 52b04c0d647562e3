using System.Buffers;
using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>
/// Bytes as a string with one UTF-16 unit for each character, for regular expressions: those of .NET take a character beyond U+FFFF for
/// two that are no letters. A character of the same general category stands for it here, and U+FFFD for a byte that is no UTF-8.
/// </summary>
internal readonly struct Shadow
{
    private readonly char[] characters;
    private readonly int[]? starts;
    private readonly int count;

    private Shadow(char[] characters, int count, int[]? starts) =>
        (this.characters, this.count, this.starts) = (characters, count, starts);

    /// <summary>The characters.</summary>
    public ReadOnlySpan<char> Text => characters.AsSpan(0, count);

    /// <summary>The shadow of bytes.</summary>
    public static Shadow Of(ReadOnlySpan<byte> bytes)
    {
        var characters = new char[bytes.Length];
        if (Ascii.ToUtf16(bytes, characters, out int ascii) == OperationStatus.Done) return new Shadow(characters, ascii, null);
        var starts = new int[bytes.Length + 1];
        int count = 0;
        for (int i = 0, length; i < bytes.Length; i += length, count++)
        {
            var status = Rune.DecodeFromUtf8(bytes[i..], out var rune, out length);
            if (status != OperationStatus.Done) length = 1;
            (characters[count], starts[count]) = (rune.IsBmp ? (char)rune.Value : OfCategory[(int)Rune.GetUnicodeCategory(rune)], i);
        }

        starts[count] = bytes.Length;
        return new Shadow(characters, count, starts);
    }

    /// <summary>Where a character begins, in bytes.</summary>
    public int Start(int character) => starts is null ? character : starts[character];

    /// <summary>The character that begins at a byte, or the one after it.</summary>
    public int At(int start)
    {
        if (starts is null) return start;
        int found = Array.BinarySearch(starts, 0, count + 1, start);
        return found >= 0 ? found : ~found;
    }

    /// <summary>A character of each general category, none that a pattern is likely to name.</summary>
    private static readonly char[] OfCategory = FindCategories();

    private static char[] FindCategories()
    {
        const int First = 0xA4D0, All = 0x10000; // from Lisu on, then from the begin
        var found = new char[30];
        for (int i = 0; i < All; i++)
        {
            char c = (char)((First + i) % All);
            ref char place = ref found[(int)CharUnicodeInfo.GetUnicodeCategory(c)];
            if (place == 0) place = c;
        }

        return found;
    }
}
