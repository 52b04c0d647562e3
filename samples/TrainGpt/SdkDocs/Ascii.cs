using System.Text;

namespace TrainGpt;

/// <summary>Maps text to printable ASCII and line ends, which keeps a character vocabulary below 100.</summary>
internal static class Ascii
{
    /// <summary>
    /// Typographic signs become their plain forms, tabs spaces; control characters vanish; what has no plain form becomes '?'.
    /// </summary>
    public static string Fold(string text)
    {
        var folded = new StringBuilder(text.Length);
        foreach (var character in text.EnumerateRunes()) Append(folded, character);
        return folded.ToString();
    }

    private static void Append(StringBuilder text, Rune character)
    {
        if (character.Value is '\n' or >= ' ' and <= '~') text.Append((char)character.Value);
        else text.Append(Plain(character.Value));
    }

    private static string Plain(int character) => character switch
    {
        '\t' or '\u00A0' or '\u2009' or '\u202F' => " ",
        '\u2018' or '\u2019' or '\u2032' => "'",
        '\u201C' or '\u201D' or '\u2033' => "\"",
        >= '\u2010' and <= '\u2015' or '\u2212' => "-",
        '\u2026' => "...",
        '\u2022' or '\u00B7' => "*",
        '\u00D7' => "x",
        '\u2264' => "<=",
        '\u2265' => ">=",
        '\u2192' => "->",
        '\u00AE' or '\u2122' or '\u00A9' or '\uFEFF' or '\u200B' or '\u200C' or '\u200D' or '\u00AD' => "",
        < ' ' or >= '\u007F' and < '\u00A0' => "",
        _ => "?",
    };
}
