using System.Text;

namespace Mayfly;

/// <summary>Any tokenizer as other programs know them: bytes and characters are vocabularies without merges.</summary>
internal static class PlainDefinition
{
    private static readonly BpeModel None = new(new BytesMap(), 0, new PairTable(), new Fallback(null, -1, false), false, false);

    /// <summary>What a tokenizer would say in a tokenizer.json; null where its ids stand for no text.</summary>
    /// <exception cref="NotSupportedException">It is of a kind of one's own.</exception>
    public static TokenizerDefinition? Of(Tokenizer tokenizer) => tokenizer switch
    {
        SubwordTokenizer subwords => subwords.Definition,
        ByteTokenizer => Bytes(),
        CharTokenizer characters => Characters(characters),
        IdTokenizer => null,
        _ => throw new NotSupportedException($"Other programs do not know a tokenizer of the kind '{tokenizer.Kind}'."),
    };

    private static TokenizerDefinition Bytes() => new()
    {
        Tokens = [.. Enumerable.Range(0, 256).Select(b => new[] { (byte)b })],
        Kinds = [.. Enumerable.Repeat(TokenKind.Normal, 256)],
        Model = None,
        IsByteLevel = true,
        PreTokenizer = ByteModel.Gpt2,
        Decoder = ByteModel.Decoder,
    };

    /// <summary>What the vocabulary lacks is U+FFFD, where it has that for it.</summary>
    private static TokenizerDefinition Characters(CharTokenizer tokenizer)
    {
        int size = tokenizer.VocabularySize;
        byte[][] tokens = [.. Enumerable.Range(0, size).Select(id => Encoding.UTF8.GetBytes(tokenizer.Decode([id])))];
        int unknown = tokenizer.HasUnknown ? tokenizer.Encode("\uFFFD")[0] : -1;
        return new TokenizerDefinition
        {
            Tokens = tokens,
            Kinds = [.. Enumerable.Range(0, size).Select(id => id == unknown ? TokenKind.Unknown : TokenKind.Normal)],
            Model = None,
            IsByteLevel = false,
            Decoder = """{"type":"Fuse"}""",
            Unknown = unknown,
        };
    }
}
