namespace Mayfly;

/// <summary>
/// What cuts a text into pieces, which no token crosses: the kinds of Hugging Face's <c>pre_tokenizer</c>, each by its type.
/// </summary>
internal static class PreTokenizers
{
    /// <summary>GPT-2's pattern, which <c>ByteLevel</c> stands for.</summary>
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Punctuation = @"[\p{P}$+<=>^`|~]", Digits = @"\p{N}", Words = @"[\p{L}\p{M}\p{N}\p{Pc}]+";

    private static readonly Dictionary<string, Func<JsonPart, Func<Cut, Cut>>> Kinds = new()
    {
        ["Sequence"] = part => Sequence([.. part["pretokenizers"].Items.Select(Read)]),
        ["ByteLevel"] = ByteLevel,
        ["Split"] = Split,
        ["Metaspace"] = Metaspace.Read,
        ["Digits"] = part => new RegexCut(Digits + (part["individual_digits"].Flag(false) ? "" : "+"), CutBehavior.Isolated).Apply,
        ["Punctuation"] = part => new RegexCut(Punctuation, CutBehaviors.Read(part["behavior"])).Apply,
        ["Whitespace"] = _ => new RegexCut($@"{Words}|[^\s\p{{L}}\p{{M}}\p{{N}}\p{{Pc}}]+", CutBehavior.Removed, inverts: true).Apply,
        ["WhitespaceSplit"] = _ => new RegexCut(@"\s", CutBehavior.Removed).Apply,
    };

    /// <summary>Reads one; null is none.</summary>
    /// <exception cref="BadFileException">It is of another kind, or damaged.</exception>
    public static Func<Cut, Cut> Read(JsonPart part) => part.IsNull ? cut => cut
        : Kinds.TryGetValue(part.Type, out var read) ? read(part) : throw part.Unsupported(part.Type, Kinds.Keys);

    /// <summary>True where bytes, not characters, are what tokens are made of.</summary>
    public static bool IsByteLevel(JsonPart part) =>
        !part.IsNull && (part.Type == "ByteLevel" || part["pretokenizers"].Items.Any(IsByteLevel));

    private static Func<Cut, Cut> Sequence(Func<Cut, Cut>[] steps) => cut => steps.Aggregate(cut, (done, step) => step(done));

    private static Func<Cut, Cut> ByteLevel(JsonPart part)
    {
        Func<Cut, Cut> cuts = part["use_regex"].Flag(true) ? new RegexCut(Gpt2Pattern, CutBehavior.Isolated).Apply : cut => cut;
        return part["add_prefix_space"].Flag(true) ? cut => cuts(WithSpaces(cut)) : cuts;
    }

    private static Func<Cut, Cut> Split(JsonPart part) =>
        new RegexCut(Patterns.Read(part["pattern"]), CutBehaviors.Read(part["behavior"]), part["invert"].Flag(false)).Apply;

    /// <summary>A space before each piece that does not begin with one.</summary>
    private static Cut WithSpaces(Cut cut)
    {
        var bytes = new List<byte>(cut.Bytes.Length + 1);
        var pieces = new List<(int, int)>(cut.Pieces.Count);
        foreach (var place in cut.Pieces)
        {
            var piece = cut.Piece(place);
            int start = bytes.Count;
            if (piece[0] != ' ') bytes.Add((byte)' ');
            bytes.AddRange(piece);
            pieces.Add((start, bytes.Count - start));
        }

        return cut with { Bytes = [.. bytes], Pieces = pieces };
    }
}
