using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;

namespace Mayfly;

/// <summary>The regular expressions of tokenizers, which are Rust's or Oniguruma's, in .NET's words.</summary>
internal static class Patterns
{
    private static readonly ConcurrentDictionary<string, Regex> Known = new();

    /// <summary>Reads Hugging Face's <c>pattern</c>: a text, or a regular expression.</summary>
    /// <exception cref="BadFileException">It is neither, or says what .NET cannot.</exception>
    public static Regex Read(JsonPart pattern)
    {
        if (pattern["String"] is { IsNull: false } text) return Of(Regex.Escape(text.Text));
        string regex = pattern["Regex"].Text;
        try
        {
            return Of(regex);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw pattern["Regex"].Bad($"the pattern {Shown(regex)} is not supported: {e.Message}");
        }
    }

    /// <summary>The compiled form of a pattern.</summary>
    /// <exception cref="NotSupportedException">It has what .NET has not.</exception>
    /// <exception cref="ArgumentException">It is no pattern.</exception>
    public static Regex Of(string pattern) => Known.GetOrAdd(pattern, static text =>
        new Regex(Translate(text), RegexOptions.Compiled | RegexOptions.CultureInvariant));

    private static string Shown(string regex) => regex.Length <= 80 ? regex : regex[..80] + "...";

    /// <summary>
    /// A possessive quantifier becomes an atomic group where the part before it is a class or an escape, and letters without case take the
    /// long s and the Kelvin sign along, as Unicode's case folding does.
    /// </summary>
    private static string Translate(string pattern)
    {
        if (pattern.EnumerateRunes().Any(rune => !rune.IsBmp)) throw new NotSupportedException("it names characters beyond U+FFFF.");
        var result = new StringBuilder();
        int depth = 0, caseless = int.MaxValue; // the depth of groups from which on case does not count
        for (int i = 0, length; i < pattern.Length; i += length)
        {
            length = AtomLength(pattern, i);
            string atom = pattern.Substring(i, length);
            if (atom.StartsWith('(')) depth++;
            if (atom == ")" && depth-- == caseless) caseless = int.MaxValue;
            if (atom == "$") atom = @"\z"; // .NET's takes a line end before it along
            if (atom == "(?i:") (atom, caseless) = ("(?:", Math.Min(caseless, depth));
            if (depth >= caseless) atom = Caseless(atom);
            int quantifier = QuantifierLength(pattern, i + length);
            bool isPossessive = quantifier > 0 && i + length + quantifier < pattern.Length && pattern[i + length + quantifier] == '+';
            if (isPossessive && atom is ")") throw new NotSupportedException("a possessive group.");
            string repeat = pattern.Substring(i + length, quantifier);
            result.Append(isPossessive ? $"(?>{atom}{repeat})" : atom + repeat);
            length += quantifier + (isPossessive ? 1 : 0);
        }

        return result.ToString();
    }

    /// <summary>The length of a class, an escape, the opening of a group, or a character.</summary>
    private static int AtomLength(string pattern, int at) => pattern[at] switch
    {
        '\\' => EscapeLength(pattern, at),
        '[' => ClassLength(pattern, at),
        '(' => pattern.AsSpan(at).StartsWith("(?i:") ? 4 : 1,
        _ => 1,
    };

    private static int EscapeLength(string pattern, int at)
    {
        if (at + 1 >= pattern.Length) throw new NotSupportedException("it ends in a backslash.");
        bool isCategory = pattern[at + 1] is 'p' or 'P' && at + 2 < pattern.Length && pattern[at + 2] == '{';
        return isCategory ? Math.Max(pattern.IndexOf('}', at) + 1 - at, 2) : 2;
    }

    private static int ClassLength(string pattern, int at)
    {
        for (int i = at + 1; i < pattern.Length; i += pattern[i] == '\\' ? EscapeLength(pattern, i) : 1)
            if (pattern[i] == ']' && i > at + 1) return i + 1 - at;
            else if (pattern[i] == '[') throw new NotSupportedException("a class in a class.");
            else if (pattern.AsSpan(i).StartsWith("&&")) throw new NotSupportedException("&& in a class.");
        throw new NotSupportedException("a class without an end.");
    }

    private static int QuantifierLength(string pattern, int at)
    {
        if (at >= pattern.Length) return 0;
        if (pattern[at] is '?' or '*' or '+') return 1;
        return pattern[at] == '{' ? Math.Max(pattern.IndexOf('}', at) + 1 - at, 0) : 0;
    }

    private static string Caseless(string atom)
    {
        if (atom is [var letter] && char.IsAsciiLetter(letter)) return $"[{Cases(letter)}]";
        if (!atom.StartsWith('[')) return atom;
        if (atom.Contains('-') || atom.Contains('\\')) throw new NotSupportedException($"the class {atom} without case.");
        return string.Concat(atom.Select(c => char.IsAsciiLetter(c) ? Cases(c) : c.ToString()));
    }

    private static string Cases(char letter) => char.ToLowerInvariant(letter) switch
    {
        's' => "sS\u017F",
        'k' => "kK\u212A",
        var lower => $"{lower}{char.ToUpperInvariant(lower)}",
    };
}
