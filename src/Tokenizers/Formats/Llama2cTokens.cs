using System.Text;

namespace Mayfly;

/// <summary>Writes the tok*.bin beside a llama2.c model: the other way of <see cref="Llama2cFormat"/>.</summary>
internal static class Llama2cTokens
{
    /// <summary>The file.</summary>
    /// <exception cref="NotSupportedException">The first ids are not the unknown token, begin, end and the bytes.</exception>
    public static byte[] Of(Tokenizer tokenizer)
    {
        if (tokenizer is not SubwordTokenizer { Definition: { IsByteLevel: false, Model: BpeModel } definition } || !HasBytes(definition))
            throw new NotSupportedException("llama2.c's vocabularies are SentencePiece's with the 256 bytes from id 3 on; for another "
                + "tokenizer export to gguf or safetensors.");
        var fields = GgufTokens.Of(tokenizer, tokenizer.VocabularySize).ToDictionary();
        return Bytes((string[])fields["tokenizer.ggml.tokens"], (float[])fields["tokenizer.ggml.scores"]);
    }

    private static bool HasBytes(TokenizerDefinition definition) => definition.Tokens.Length >= Llama2cFormat.Least
        && definition.Tokens.AsSpan(0, Llama2cFormat.Least).IndexOf((byte[]?)null) < 0
        && Enumerable.Range(0, 256).All(b => ByteToken.Of(definition.Tokens[Llama2cFormat.Specials + b]!) == b);

    private static byte[] Bytes(string[] tokens, float[] scores)
    {
        byte[][] texts = [.. tokens.Select((text, id) => Encoding.UTF8.GetBytes(Text(text, id)))];
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(texts.Max(text => text.Length));
        for (int id = 0; id < texts.Length; id++)
        {
            writer.Write(scores[id]);
            writer.Write(texts[id].Length);
            writer.Write(texts[id]);
        }

        return bytes.ToArray();
    }

    /// <summary>Begin and end have line ends around them, as tokenizer.py of llama2.c writes them.</summary>
    private static string Text(string text, int id) => id is 1 or 2
        ? $"\n{text}\n"
        : text.Replace(Metaspace.Mark, " ", StringComparison.Ordinal);
}
