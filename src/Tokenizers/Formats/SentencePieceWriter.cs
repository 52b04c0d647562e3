using System.Text;

namespace Mayfly;

/// <summary>Writes a SentencePiece model, so that a vocabulary from another file is kept like one.</summary>
internal static class SentencePieceWriter
{
    private const int Bpe = 2, Unigram = 1;

    /// <summary>The model's file.</summary>
    public static byte[] Write(SentencePieceModel model)
    {
        var bytes = new List<byte>();
        foreach (var (text, score, kind) in model.Pieces)
        {
            var piece = new List<byte>();
            Field(piece, 1, Encoding.UTF8.GetBytes(text));
            Varint(piece, (2 << 3) | 5);
            piece.AddRange(BitConverter.GetBytes(score));
            Field(piece, 3, (ulong)kind);
            Field(bytes, 1, [.. piece]);
        }

        Field(bytes, 2, Trainer(model));
        Field(bytes, 3, Normalizer(model));
        return [.. bytes];
    }

    private static byte[] Trainer(SentencePieceModel model)
    {
        var bytes = new List<byte>();
        Field(bytes, 3, (ulong)(model.IsBpe ? Bpe : Unigram));
        Field(bytes, 35, model.HasByteFallback ? 1 : 0ul);
        Field(bytes, 41, (ulong)(model.Begin ?? int.MaxValue));
        Field(bytes, 42, (ulong)(model.End ?? int.MaxValue));
        return [.. bytes];
    }

    private static byte[] Normalizer(SentencePieceModel model)
    {
        var bytes = new List<byte>();
        if (model.CharacterMap.Length > 0) Field(bytes, 2, model.CharacterMap);
        Field(bytes, 3, model.AddsSpace ? 1 : 0ul);
        Field(bytes, 4, model.DropsSpaces ? 1 : 0ul);
        return [.. bytes];
    }

    private static void Field(List<byte> bytes, int field, ulong number)
    {
        Varint(bytes, (ulong)field << 3);
        Varint(bytes, number);
    }

    private static void Field(List<byte> bytes, int field, byte[] content)
    {
        Varint(bytes, ((ulong)field << 3) | 2);
        Varint(bytes, (ulong)content.Length);
        bytes.AddRange(content);
    }

    private static void Varint(List<byte> bytes, ulong number)
    {
        for (; number >= 0x80; number >>= 7) bytes.Add((byte)(number | 0x80));
        bytes.Add((byte)number);
    }
}
