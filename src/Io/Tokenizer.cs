using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>Turns text into token ids and back. Saved as a JSON object whose <c>type</c> names the kind.</summary>
public abstract class Tokenizer
{
    /// <summary>The kind, as in the JSON.</summary>
    public abstract string Kind { get; }

    /// <summary>The number of ids; they run from 0.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The ids of a text.</summary>
    /// <exception cref="InputException">The vocabulary lacks a part of the text.</exception>
    public abstract int[] Encode(string text);

    /// <summary>The text of ids.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public abstract string Decode(ReadOnlySpan<int> ids);

    /// <summary>Writes it as a JSON file, under a temporary name first.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Save(string path) => Files.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToJson())));

    /// <summary>Reads a JSON file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no tokenizer.</exception>
    public static Tokenizer Load(string path) => FromJson(Files.DecodeUtf8(Files.ReadBytes(path)) ?? "", path);

    /// <summary>As a JSON object.</summary>
    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", Kind);
            WriteFields(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Reads a JSON object that <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The object.</param>
    /// <param name="file">The file it comes from, for messages.</param>
    /// <exception cref="BadFileException">It is no tokenizer.</exception>
    public static Tokenizer FromJson(string json, string file)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Text(document.RootElement, "type", file) switch
            {
                CharTokenizer.KindName => new CharTokenizer(Text(document.RootElement, "vocabulary", file), file),
                ByteTokenizer.KindName => new ByteTokenizer(),
                IdTokenizer.KindName => new IdTokenizer(Size(document.RootElement, file)),
                var kind => throw new BadFileException(file, "type", $"a tokenizer of type '{kind}' is unknown; char, byte and ids are known."),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new BadFileException(file, "tokenizer", $"it is not the JSON of a tokenizer: {e.Message}", e);
        }
    }

    /// <summary>Writes what the kind needs beside <c>type</c>.</summary>
    private protected abstract void WriteFields(Utf8JsonWriter json);

    private protected static ArgumentOutOfRangeException OutOfVocabulary(int id, int index, int size) =>
        new(nameof(id), $"Decode: id {id} at index {index} is outside the vocabulary of {size}.");

    private static int Size(JsonElement root, string file) =>
        root.TryGetProperty(IdTokenizer.SizeField, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int size) && size > 0
            ? size
            : throw new BadFileException(file, IdTokenizer.SizeField, "a whole number above 0 is needed here.");

    private static string Text(JsonElement root, string field, string file) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new BadFileException(file, field, "a string is needed here.");
}
