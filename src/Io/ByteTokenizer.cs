using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>The 256 bytes of UTF-8: every text has ids, at several ids for a character beyond ASCII.</summary>
public sealed class ByteTokenizer : Tokenizer
{
    internal const string KindName = "byte";

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override int VocabularySize => 256;

    /// <inheritdoc/>
    public override int[] Encode(string text) => EncodeBytes(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc/>
    public override int[] EncodeBytes(ReadOnlySpan<byte> utf8)
    {
        var ids = new int[utf8.Length];
        for (int i = 0; i < ids.Length; i++) ids[i] = utf8[i];
        return ids;
    }

    /// <summary>The text of ids; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public override string Decode(ReadOnlySpan<int> ids) => Encoding.UTF8.GetString(DecodeBytes(ids));

    /// <inheritdoc/>
    public override byte[] DecodeBytes(ReadOnlySpan<int> ids)
    {
        var bytes = new byte[ids.Length];
        for (int i = 0; i < ids.Length; i++) bytes[i] = (uint)ids[i] < 256 ? (byte)ids[i] : throw OutOfVocabulary(ids[i], i);
        return bytes;
    }

    /// <inheritdoc/>
    protected override void WriteFields(Utf8JsonWriter json)
    {
    }
}
