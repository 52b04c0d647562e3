using System.Text;

namespace Mayfly;

/// <summary>What a SentencePiece model says.</summary>
internal sealed record SentencePieceModel
{
    /// <summary>The pieces by id, in SentencePiece's writing of spaces.</summary>
    public List<(string Text, float Score, TokenKind Kind)> Pieces { get; init; } = [];

    /// <summary>Byte-pair encoding where it is true, else the unigram model.</summary>
    public bool IsBpe { get; init; }

    /// <summary>Unknown characters become their bytes.</summary>
    public bool HasByteFallback { get; init; }

    /// <summary>A space begins every text.</summary>
    public bool AddsSpace { get; init; } = true;

    /// <summary>Spaces at the ends, and all but one of several, are dropped.</summary>
    public bool DropsSpaces { get; init; }

    /// <summary>The compiled character map; empty for none.</summary>
    public byte[] CharacterMap { get; init; } = [];

    /// <summary>The special token before every text, or null.</summary>
    public int? Begin { get; init; }

    /// <summary>The special token that ends a text, or null.</summary>
    public int? End { get; init; }

    /// <summary>As Hugging Face's converter writes it (convert_slow_tokenizer.py).</summary>
    /// <exception cref="BadFileException">It has pieces of a kind that is not supported, or none.</exception>
    public TokenizerDefinition Define(string file)
    {
        byte[]?[] tokens = [.. Pieces.Select(piece => Encoding.UTF8.GetBytes(piece.Text))];
        TokenKind[] kinds = [.. Pieces.Select(piece => piece.Kind)];
        Check(file, kinds);
        int unknown = Array.IndexOf(kinds, TokenKind.Unknown);
        int[]? bytes = !HasByteFallback ? null : ByteToken.Ids(tokens, id => kinds[id] == TokenKind.Byte);
        var fallback = new Fallback(bytes, unknown, Fuses: true);
        return new TokenizerDefinition
        {
            Tokens = tokens,
            Kinds = kinds,
            Model = IsBpe ? Bpe(tokens, kinds, fallback)
                : HuggingFaceFormat.UnigramOf(tokens, kinds, [.. Pieces.Select(piece => (double)piece.Score)], fallback),
            IsByteLevel = false,
            Added = Added(),
            Normalizer = NormalizerJson(),
            Decoder = DecoderJson(),
            Begin = Begin,
            End = End,
            Unknown = unknown,
            HasByteFallback = bytes is not null,
            FusesUnknown = true,
        };
    }

    private void Check(string file, TokenKind[] kinds)
    {
        if (kinds.Length == 0) throw new BadFileException(file, "pieces", "there are none.");
        int empty = Pieces.FindIndex(piece => piece.Text.Length == 0);
        if (empty >= 0) throw new BadFileException(file, $"pieces[{empty}].piece", "it is empty.");
        int other = Array.FindIndex(kinds, kind => !Enum.IsDefined(kind));
        if (other >= 0) throw new BadFileException(file, $"pieces[{other}].type", $"the type {kinds[other]} is not supported.");
    }

    /// <summary>Two neighbours that are a piece together become it, the one of the highest score first.</summary>
    private BpeModel Bpe(byte[]?[] tokens, TokenKind[] kinds, Fallback fallback)
    {
        var pairs = new PairTable();
        var model = new BpeModel(ByteModel.Map(tokens, kinds), tokens.Length, pairs, fallback, isByteLevel: false, takesWholes: false);
        var map = ByteModel.Map(tokens, kinds);
        var ranks = Ranks();
        foreach (int id in Enumerable.Range(0, tokens.Length).Where(id => kinds[id] == TokenKind.Normal))
        {
            byte[] token = tokens[id]!;
            for (int i = 0; (i += Characters.FirstLength(token.AsSpan(i))) < token.Length;)
                if (Part(token[..i]) is var left and >= 0 && Part(token[i..]) is var right and >= 0)
                    pairs.Add(left, right, ranks[Pieces[id].Score], id);
        }

        return model;

        // a character need not be a piece to become a part of one
        int Part(byte[] text) => map.Find(text) is var id and >= 0 ? id
            : Characters.FirstLength(text) == text.Length ? model.Helper(text) : -1;
    }

    /// <summary>Equal scores have equal ranks: of equals the leftmost is merged first.</summary>
    private Dictionary<float, int> Ranks() => Pieces.Select(piece => piece.Score).Distinct().OrderDescending()
        .Select((score, rank) => (score, rank)).ToDictionary(pair => pair.score, pair => pair.rank);

    private List<AddedToken> Added() =>
        [.. from piece in Pieces.Select((piece, id) => (piece.Text, piece.Kind, Id: id))
            where piece.Kind is TokenKind.Control or TokenKind.Unknown or TokenKind.UserDefined
            let isText = piece.Kind == TokenKind.UserDefined
            select new AddedToken(piece.Id, piece.Text, !isText) { IsNormalized = isText }];

    private string NormalizerJson()
    {
        var steps = new List<string>();
        if (CharacterMap.Length > 0)
            steps.Add($$"""{"type":"Precompiled","precompiled_charsmap":"{{Convert.ToBase64String(CharacterMap)}}"}""");
        if (DropsSpaces)
        {
            steps.Add("""{"type":"Strip","strip_left":true,"strip_right":true}""");
            steps.Add("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}""");
        }

        if (AddsSpace) steps.Add($$"""{"type":"Prepend","prepend":"{{Metaspace.Mark}}"}""");
        steps.Add($$"""{"type":"Replace","pattern":{"String":" "},"content":"{{Metaspace.Mark}}"}""");
        return $$"""{"type":"Sequence","normalizers":[{{string.Join(',', steps)}}]}""";
    }

    private string DecoderJson() => $$"""
        {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"{{Metaspace.Mark}}"},"content":" "},{"type":"ByteFallback"},
        {"type":"Fuse"},{"type":"Strip","content":" ","start":{{(AddsSpace ? 1 : 0)}},"stop":0}]}
        """;
}
