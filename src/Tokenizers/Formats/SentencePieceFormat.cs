using System.Text;

namespace Mayfly;

/// <summary>SentencePiece's .model files, a protocol buffer (sentencepiece_model.proto).</summary>
internal static class SentencePieceFormat
{
    private const byte PiecesTag = 0x0A;
    private const int Unigram = 1, Bpe = 2;

    /// <summary>True where the first field may be a piece.</summary>
    public static bool Fits(ReadOnlyMemory<byte> bytes) => bytes.Length > 0 && bytes.Span[0] == PiecesTag;

    /// <summary>Reads one.</summary>
    /// <exception cref="BadFileException">It is damaged, or has a part that is not supported.</exception>
    public static TokenizerDefinition Read(byte[] bytes, string file)
    {
        var model = new SentencePieceModel { DropsSpaces = true };
        var message = new Protobuf(bytes, file, "model");
        while (message.Next())
            if (message.Field == 1) model.Pieces.Add(Piece(message.Bytes, file, model.Pieces.Count));
            else if (message.Field == 2) model = Trainer(message.Bytes, file, model);
            else if (message.Field == 3) model = Normalizer(message.Bytes, file, model);
        return (model with { Begin = Special(model, model.Begin ?? 1), End = Special(model, model.End ?? 2) }).Define(file);
    }

    private static int? Special(SentencePieceModel model, int id) =>
        id < model.Pieces.Count && model.Pieces[id].Kind == TokenKind.Control ? id : null;

    private static (string, float, TokenKind) Piece(ReadOnlySpan<byte> bytes, string file, int id)
    {
        var piece = (Text: "", Score: 0f, Kind: TokenKind.Normal);
        var message = new Protobuf(bytes, file, $"pieces[{id}]");
        while (message.Next())
            if (message.Field == 1) piece.Text = Files.DecodeUtf8(message.Bytes)
                ?? throw new BadFileException(file, $"pieces[{id}].piece", "it is not UTF-8 text.");
            else if (message.Field == 2) piece.Score = float.IsFinite(message.Single) ? message.Single
                : throw new BadFileException(file, $"pieces[{id}].score", "it is no finite number.");
            else if (message.Field == 3) piece.Kind = (TokenKind)message.Number;
        return piece;
    }

    private static SentencePieceModel Trainer(ReadOnlySpan<byte> bytes, string file, SentencePieceModel model)
    {
        int kind = Unigram;
        var message = new Protobuf(bytes, file, "trainer_spec");
        while (message.Next())
            if (message.Field == 3) kind = (int)message.Number;
            else if (message.Field == 24 && message.Number != 0) throw Unsupported(file, "trainer_spec.treat_whitespace_as_suffix");
            else if (message.Field == 35) model = model with { HasByteFallback = message.Number != 0 };
            else if (message.Field == 41) model = model with { Begin = Id(message.Number) };
            else if (message.Field == 42) model = model with { End = Id(message.Number) };
        return kind is Unigram or Bpe ? model with { IsBpe = kind == Bpe }
            : throw new BadFileException(
                file, "trainer_spec.model_type", $"the type {kind} is not supported; 1 (unigram) and 2 (BPE) are.");
    }

    /// <summary>-1 stands for none, which no id beyond the vocabulary does otherwise.</summary>
    private static int Id(ulong number) => number <= int.MaxValue ? (int)number : int.MaxValue;

    private static SentencePieceModel Normalizer(ReadOnlySpan<byte> bytes, string file, SentencePieceModel model)
    {
        var message = new Protobuf(bytes, file, "normalizer_spec");
        while (message.Next())
            if (message.Field == 2) model = model with { CharacterMap = message.Bytes.ToArray() };
            else if (message.Field == 3) model = model with { AddsSpace = message.Number != 0 };
            else if (message.Field == 4) model = model with { DropsSpaces = message.Number != 0 };
            else if (message.Field == 5 && message.Number == 0) throw Unsupported(file, "normalizer_spec.escape_whitespaces");
        return model;
    }

    private static BadFileException Unsupported(string file, string field) => new(file, field, "this setting is not supported.");
}
