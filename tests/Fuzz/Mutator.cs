using System.Text;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>Damages files, the same way for the same seed.</summary>
internal sealed partial class Mutator(int seed)
{
    private const int MostBytes = 1 << 18;

    private static readonly string[] Values =
    [
        "0", "-1", "1", "255", "256", "65535", "65536", "2147483647", "2147483648", "-2147483648", "4294967296", "9223372036854775807",
        "18446744073709551616", "1e308", "1e999", "-1e-400", "1.5", "-0", "NaN", "Infinity", "1E5", "null", "true", "false", "[]", "{}",
        "[[[[[[[[]]]]]]]]", "{\"a\":{\"a\":{}}}", "\"\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "\"\u00e9\"", "\"\\ud83d\\ude42\"",
        "\"__metadata__\"", "\"kind\"", "\"text\"", "\"adam\"", "\"x\\ny\"", "", ",", "'", "//", "/* */",
    ];

    private readonly Random random = new(seed);

    /// <summary>A number below a limit.</summary>
    public int Next(int limit) => random.Next(limit);

    /// <summary>A mutant of bytes, made of one to three damages.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="other">Another one, of which pieces are taken.</param>
    public byte[] Bytes(byte[] bytes, byte[] other)
    {
        for (int n = 1 + Next(3); n > 0; n--) bytes = Damage(bytes, other);
        return bytes;
    }

    /// <summary>A mutant of a text, in half of the cases by its grammar: a literal is replaced, left out, doubled or nested.</summary>
    public byte[] Text(byte[] bytes, byte[] other)
    {
        if (Next(4) == 0) return Bytes(bytes, other);
        string text = Encoding.UTF8.GetString(bytes);
        for (int n = Next(4) == 0 ? 2 : 1; n > 0; n--) text = Literal(text);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>A mutant of a text as text.</summary>
    public string Text(string text) => Encoding.UTF8.GetString(Text(Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(text)));

    [GeneratedRegex("\"(\\\\.|[^\"\\\\])*\"|-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?|true|false|null")]
    private static partial Regex Literals();

    private string Literal(string text)
    {
        var found = Literals().Matches(text);
        if (found.Count == 0) return text + Values[Next(Values.Length)];
        var one = found[Next(found.Count)];
        string value = Next(6) switch
        {
            0 => "",
            1 => $"{one.Value},{one.Value}",
            2 => $"[{one.Value}]",
            3 => found[Next(found.Count)].Value,
            _ => Values[Next(Values.Length)],
        };
        return string.Concat(text.AsSpan(0, one.Index), value, text.AsSpan(one.Index + one.Length));
    }

    private byte[] Damage(byte[] bytes, byte[] other)
    {
        int at = Next(bytes.Length + 1), length = Next(Math.Min(bytes.Length - at, 64) + 1);
        switch (Next(9))
        {
            case 0: return bytes[..at];
            case 1: return [.. bytes[..at], .. bytes[(at + length)..]];
            case 2: return [.. bytes[..(at + length)], .. bytes[at..]];
            case 3: return Splice(bytes, at, other);
            case 4: return Repeat(bytes, at, length);
            case 5: return With(bytes, at, Extreme());
            default: return With(bytes, at, at < bytes.Length ? [(byte)(bytes[at] ^ 1 << Next(8))] : []);
        }
    }

    private byte[] Splice(byte[] bytes, int at, byte[] other)
    {
        int from = Next(other.Length + 1);
        return [.. bytes[..at], .. other.AsSpan(from, Next(other.Length - from + 1))];
    }

    private byte[] Repeat(byte[] bytes, int at, int length)
    {
        int most = length == 0 || Next(8) > 0 ? 3 : Math.Max(1, (MostBytes - bytes.Length) / length);
        byte[] piece = bytes[at..(at + length)];
        return [.. bytes[..at], .. Enumerable.Repeat(piece, 1 + Next(most)).SelectMany(p => p), .. bytes[at..]];
    }

    private static byte[] With(byte[] bytes, int at, byte[] piece)
    {
        byte[] changed = [.. bytes];
        for (int i = 0; i < piece.Length && at + i < changed.Length; i++) changed[at + i] = piece[i];
        return changed;
    }

    private byte[] Extreme()
    {
        long[] values = [0, 1, -1, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue, uint.MaxValue, 1 << 20, 99_999_999];
        byte[] bytes = BitConverter.GetBytes(values[Next(values.Length)]);
        return Next(2) == 0 ? bytes[..4] : bytes;
    }
}
