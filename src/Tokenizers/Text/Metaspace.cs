using System.Text;

namespace Mayfly;

/// <summary>SentencePiece's way with spaces: each becomes "▁", one more begins a text, and a piece begins with each.</summary>
internal static class Metaspace
{
    /// <summary>What stands for a space.</summary>
    public const string Mark = "▁";

    private enum Scheme
    {
        Always,
        First,
        Never,
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static Func<Cut, Cut> Read(JsonPart part)
    {
        byte[] mark = MarkOf(part);
        var scheme = ReadScheme(part);
        var split = new RegexCut(System.Text.RegularExpressions.Regex.Escape(Encoding.UTF8.GetString(mark)), CutBehavior.MergedWithNext);
        return part["split"].Flag(true) ? cut => split.Apply(Marked(cut, mark, scheme)) : cut => Marked(cut, mark, scheme);
    }

    /// <summary>What a file has for a space.</summary>
    public static byte[] MarkOf(JsonPart part) => Encoding.UTF8.GetBytes(part["replacement"] is { IsNull: false } mark ? mark.Text : Mark);

    /// <summary>True where a text gets a space at its begin.</summary>
    public static bool Prepends(JsonPart part) => ReadScheme(part) != Scheme.Never;

    private static Scheme ReadScheme(JsonPart part)
    {
        if (part["prepend_scheme"] is not { IsNull: false } scheme)
            return part["add_prefix_space"].Flag(true) ? Scheme.Always : Scheme.Never;
        return scheme.Text switch
        {
            "always" => Scheme.Always,
            "first" => Scheme.First,
            "never" => Scheme.Never,
            var other => throw scheme.Unsupported(other, ["always", "first", "never"]),
        };
    }

    private static Cut Marked(Cut cut, byte[] mark, Scheme scheme)
    {
        var bytes = new List<byte>(cut.Bytes.Length + mark.Length);
        var pieces = new List<(int, int)>(cut.Pieces.Count);
        foreach (var place in cut.Pieces)
        {
            int start = bytes.Count;
            byte[] piece = ByteReplacer.Replace(cut.Piece(place).ToArray(), " "u8.ToArray(), mark);
            bool isFirst = cut.Begins && place.Start == 0;
            if ((scheme == Scheme.Always || (scheme == Scheme.First && isFirst)) && !piece.AsSpan().StartsWith(mark)) bytes.AddRange(mark);
            bytes.AddRange(piece);
            pieces.Add((start, bytes.Count - start));
        }

        return cut with { Bytes = [.. bytes], Pieces = pieces };
    }
}
