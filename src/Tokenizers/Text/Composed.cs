using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>
/// Tells without ICU's tables that a text is in the normal form C (Unicode Standard Annex 15): it has neither marks, which may belong to
/// the character before them, nor a character that the form replaces by another.
/// </summary>
internal static class Composed
{
    /// <summary>The ranges that have such characters, none of them a mark: NFC_Quick_Check of DerivedNormalizationProps.txt.</summary>
    private static readonly (int First, int Last)[] Replaced =
    [
        (0x0374, 0x0374), (0x037E, 0x037E), (0x0387, 0x0387), (0x0958, 0x095F), (0x09DC, 0x09DF), (0x0A33, 0x0A36), (0x0A59, 0x0A5E),
        (0x0B5C, 0x0B5D), (0x0F43, 0x0F69), (0x1160, 0x11FF), (0x1F71, 0x1FFF), (0x2000, 0x2001), (0x2126, 0x212B), (0x2329, 0x232A),
        (0x2ADC, 0x2ADC), (0xD7B0, 0xD7FF), (0xF900, 0xFAFF), (0xFB1D, 0xFB4F), (0x1D15E, 0x1D1C0), (0x2F800, 0x2FA1F),
    ];

    private const int EmojiStyle = 0xFE0F; // a mark that goes with nothing

    /// <summary>The first character for which it cannot be said, or null.</summary>
    public static Rune? FirstOther(string text)
    {
        foreach (var rune in text.EnumerateRunes())
            if (rune.Value >= 0x300 && !IsKept(rune)) return rune;
        return null;
    }

    private static bool IsKept(Rune rune) => rune.Value == EmojiStyle || !(Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
        || Replaced.Any(range => rune.Value >= range.First && rune.Value <= range.Last));
}
