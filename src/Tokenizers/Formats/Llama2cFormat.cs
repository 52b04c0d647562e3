using System.Buffers.Binary;

namespace Mayfly;

/// <summary>
/// The tok*.bin beside a llama2.c model: the length of the longest token in 32 bits, and for each token a score (a float), a length and the
/// bytes. The first three are the unknown one, the begin and the end; then come the 256 bytes (tokenizer.py of llama2.c). A text ends where
/// the next one begins, as in run.c.
/// </summary>
internal static class Llama2cFormat
{
    private const int Bytes = 256, Head = 8;

    /// <summary>The tokens before the bytes, and with them.</summary>
    public const int Specials = 3, Least = Specials + Bytes;

    private static readonly (string Name, TokenKind Kind)[] SpecialTokens =
        [("<unk>", TokenKind.Unknown), ("<s>", TokenKind.Control), ("</s>", TokenKind.Control)];

    /// <summary>True where a first token follows that is not longer than the longest one.</summary>
    public static bool Fits(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < sizeof(int) + Head) return false;
        int longest = Number(bytes.Span), first = Number(bytes.Span[(sizeof(int) + sizeof(float))..]);
        return longest is > 0 and <= 1 << 16 && first >= 0 && first <= longest && bytes.Length > (Specials + Bytes) * Head;
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static TokenizerDefinition Read(byte[] bytes, string file)
    {
        var model = new SentencePieceModel { IsBpe = true, HasByteFallback = true, Begin = 1, End = 1 };
        for (int at = sizeof(int); at < bytes.Length;) model.Pieces.Add(Piece(bytes, ref at, file, model.Pieces.Count));
        return model.Pieces.Count >= Specials + Bytes ? model.Define(file)
            : throw new BadFileException(
                file, "tokens", $"there are {model.Pieces.Count}; {Specials} special ones and the bytes are needed.");
    }

    private static (string, float, TokenKind) Piece(byte[] bytes, ref int at, string file, int id)
    {
        string field = $"token {id}";
        if (bytes.Length - at < Head) throw new BadFileException(file, field, "the file is cut short.");
        float score = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(at));
        int length = Number(bytes.AsSpan(at + sizeof(float)));
        if (length < 0 || length > bytes.Length - at - Head)
            throw new BadFileException(file, field, $"a length of {length} bytes, where the file has {bytes.Length - at - Head} more.");
        if (!float.IsFinite(score)) throw new BadFileException(file, field, "the score is no finite number.");
        var text = bytes.AsSpan(at + Head, length);
        at += Head + length;
        if (id < Specials) return (SpecialTokens[id].Name, score, SpecialTokens[id].Kind);
        var kind = id < Specials + Bytes && ByteToken.Of(text) == id - Specials ? TokenKind.Byte : TokenKind.Normal;
        string piece = Files.DecodeUtf8(text) ?? throw new BadFileException(file, field, "it is not UTF-8 text.");
        return (piece.Replace(" ", Metaspace.Mark, StringComparison.Ordinal), score, kind);
    }

    private static int Number(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes);
}
