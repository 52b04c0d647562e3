using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Mayfly;

/// <summary>Writes Hugging Face's tokenizer.json.</summary>
internal static class HuggingFaceWriter
{
    private const string TypeField = "type";

    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a definition.</summary>
    public static void Write(Stream stream, TokenizerDefinition definition)
    {
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var token in definition.Added.OrderBy(token => token.Id)) WriteAdded(json, token);
        json.WriteEndArray();
        WriteRaw(json, "normalizer", definition.Normalizer);
        WriteRaw(json, "pre_tokenizer", definition.PreTokenizer);
        WriteTemplate(json, definition);
        WriteRaw(json, "decoder", definition.Decoder);
        json.WriteStartObject("model");
        WriteModel(json, definition);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteRaw(Utf8JsonWriter json, string name, string value)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(value);
    }

    private static void WriteAdded(Utf8JsonWriter json, AddedToken token)
    {
        json.WriteStartObject();
        json.WriteNumber("id", token.Id);
        json.WriteString("content", token.Content);
        json.WriteBoolean("single_word", token.IsWord);
        json.WriteBoolean("lstrip", token.StripsLeft);
        json.WriteBoolean("rstrip", token.StripsRight);
        json.WriteBoolean("normalized", token.IsNormalized);
        json.WriteBoolean("special", token.IsSpecial);
        json.WriteEndObject();
    }

    /// <summary>The special token that begins every text.</summary>
    private static void WriteTemplate(Utf8JsonWriter json, TokenizerDefinition definition)
    {
        if (definition.Begin is not { } begin || definition.Added.FirstOrDefault(token => token.Id == begin) is not { } special)
        {
            json.WriteNull("post_processor");
            return;
        }

        json.WriteStartObject("post_processor");
        json.WriteString(TypeField, "TemplateProcessing");
        json.WriteStartArray("single");
        WritePart(json, special.Content, "A", 0);
        json.WriteEndArray();
        json.WriteStartArray("pair");
        WritePart(json, special.Content, "A", 0);
        WritePart(json, special.Content, "B", 1);
        json.WriteEndArray();
        WriteRaw(json, "special_tokens", JsonSerializer.Serialize(new Dictionary<string, object>
        {
            [special.Content] = new { id = special.Content, ids = new[] { begin }, tokens = new[] { special.Content } },
        }));
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, string special, string text, int type)
    {
        foreach (var (kind, id) in new[] { ("SpecialToken", special), ("Sequence", text) })
        {
            json.WriteStartObject();
            json.WriteStartObject(kind);
            json.WriteString("id", id);
            json.WriteNumber("type_id", type);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    private static void WriteModel(Utf8JsonWriter json, TokenizerDefinition definition)
    {
        if (definition.Model is UnigramModel unigram) WriteUnigram(json, definition, unigram);
        else WriteBpe(json, definition, (BpeModel)definition.Model);
        json.WriteBoolean("byte_fallback", definition.HasByteFallback);
    }

    private static void WriteBpe(Utf8JsonWriter json, TokenizerDefinition definition, BpeModel model)
    {
        string?[] texts = [.. Enumerable.Range(0, definition.Tokens.Length).Select(id => Text(definition, id))];
        json.WriteString(TypeField, "BPE");
        json.WriteNull("dropout");
        json.WriteString("unk_token", definition.Unknown < 0 ? null : texts[definition.Unknown]);
        json.WriteString("continuing_subword_prefix", definition.IsByteLevel ? "" : null);
        json.WriteString("end_of_word_suffix", definition.IsByteLevel ? "" : null);
        json.WriteBoolean("fuse_unk", definition.FusesUnknown);
        json.WriteBoolean("ignore_merges", model.TakesWholes);
        json.WriteStartObject("vocab");
        for (int id = 0; id < texts.Length; id++)
            if (texts[id] is { } text) json.WriteNumber(text, id);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right, _, _) in model.Pairs.All.OrderBy(pair => pair.Rank).ThenBy(pair => pair.Left).ThenBy(pair => pair.Right))
            if (left < texts.Length && right < texts.Length) WriteMerge(json, texts[left]!, texts[right]!);
        json.WriteEndArray();
    }

    private static void WriteMerge(Utf8JsonWriter json, string left, string right)
    {
        json.WriteStartArray();
        json.WriteStringValue(left);
        json.WriteStringValue(right);
        json.WriteEndArray();
    }

    private static void WriteUnigram(Utf8JsonWriter json, TokenizerDefinition definition, UnigramModel model)
    {
        json.WriteString(TypeField, "Unigram");
        if (definition.Unknown < 0) json.WriteNull("unk_id");
        else json.WriteNumber("unk_id", definition.Unknown);
        json.WriteStartArray("vocab");
        for (int id = 0; id < definition.Tokens.Length; id++)
        {
            json.WriteStartArray();
            json.WriteStringValue(Text(definition, id));
            json.WriteNumberValue(model.Scores[id]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    /// <summary>A token's text: bytes in GPT-2's characters where tokens are made of bytes.</summary>
    private static string? Text(TokenizerDefinition definition, int id) => definition.Tokens[id] is not { } token ? null
        : definition.IsByteLevel && definition.Kinds[id] == TokenKind.Normal ? ByteAlphabet.Write(token) : Encoding.UTF8.GetString(token);
}
