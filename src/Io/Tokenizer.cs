using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// Turns text into token ids and back. Saved as a JSON object whose <c>type</c> names the kind; a kind of your own is read again once it
/// was registered.
/// </summary>
public abstract class Tokenizer
{
    private static readonly ConcurrentDictionary<string, Func<TokenizerFields, Tokenizer>> Kinds = new()
    {
        [CharTokenizer.KindName] = CharTokenizer.Read,
        [ByteTokenizer.KindName] = _ => new ByteTokenizer(),
        [IdTokenizer.KindName] = IdTokenizer.Read,
    };

    /// <summary>Makes a kind known, so that <see cref="Load"/> and <see cref="Snapshot"/> can read it.</summary>
    /// <param name="kind">Its <see cref="Kind"/>.</param>
    /// <param name="read">Makes a tokenizer of what <see cref="WriteFields"/> wrote.</param>
    /// <exception cref="ArgumentException">The name stands for another kind.</exception>
    public static void Register(string kind, Func<TokenizerFields, Tokenizer> read)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(kind);
        if (Kinds.GetOrAdd(kind, read).Method != read.Method)
            throw new ArgumentException(
                $"Register: the kind '{kind}' of tokenizers is known already; give yours another name.", nameof(kind));
    }

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

    /// <summary>The ids of bytes, which are UTF-8 text or, where the kind can, anything else.</summary>
    /// <exception cref="InputException">The vocabulary lacks a part of them.</exception>
    public virtual int[] EncodeBytes(ReadOnlySpan<byte> utf8) => Encode(Encoding.UTF8.GetString(utf8));

    /// <summary>
    /// The ids of text that goes on from other text: as <see cref="EncodeBytes"/>, but without what some kinds put before a text.
    /// </summary>
    /// <exception cref="InputException">The vocabulary lacks a part of them.</exception>
    public virtual int[] EncodeNextBytes(ReadOnlySpan<byte> utf8) => EncodeBytes(utf8);

    /// <summary>
    /// 32 hexadecimal digits that tell it from others: SHA-256, cut short, of all that decides ids.
    /// </summary>
    public virtual string Hash => HashOf(Encoding.UTF8.GetBytes(ToJson()));

    /// <summary>The form of <see cref="Hash"/>.</summary>
    protected static string HashOf(ReadOnlySpan<byte> content) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content).AsSpan(0, 16));

    /// <summary>The bytes of ids: what <see cref="Decode"/> makes text of, and exact where they are no UTF-8.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public virtual byte[] DecodeBytes(ReadOnlySpan<int> ids) => Encoding.UTF8.GetBytes(Decode(ids));

    /// <summary>
    /// The text of ids that come after others: it keeps the space with which it begins, which some kinds leave out at a text's begin.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public virtual string DecodeNext(ReadOnlySpan<int> ids) => Decode(ids);

    /// <summary>The tokens that stand for no text, by their names. <see cref="Encode"/> never gives one.</summary>
    public virtual IReadOnlyDictionary<string, int> SpecialTokens => ReadOnlyDictionary<string, int>.Empty;

    /// <summary>The special token before every text, or null.</summary>
    public virtual int? BeginOfText => null;

    /// <summary>The special token that ends a text, or null.</summary>
    public virtual int? EndOfText => null;

    /// <summary>Writes it as a JSON file, under a temporary name first.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Save(string path) => Files.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(ToJson())));

    /// <summary>Reads a JSON file that <see cref="Save"/> wrote.</summary>
    /// <exception cref="InputException">The file cannot be read.</exception>
    /// <exception cref="BadFileException">It is no tokenizer.</exception>
    public static Tokenizer Load(string path) => FromJson(TextFile.Read(path, TextFile.LongestJson), path);

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
    public static Tokenizer FromJson(string json, string file) =>
        BadFileException.Guard(file, "tokenizer", "it is not the JSON of a tokenizer", () =>
        {
            using var document = JsonDocument.Parse(json);
            var fields = new TokenizerFields(document.RootElement, file);
            string kind = fields.Text("type");
            return Kinds.TryGetValue(kind, out var read) ? read(fields) : throw fields.Bad("type", Unknown(InputException.Short(kind)));
        });

    /// <summary>Writes what the kind needs beside <c>type</c>: fields of the JSON object that is open.</summary>
    protected abstract void WriteFields(Utf8JsonWriter json);

    /// <summary>An error of <see cref="Decode"/>.</summary>
    /// <param name="id">The id.</param>
    /// <param name="index">Its place.</param>
    protected ArgumentOutOfRangeException OutOfVocabulary(int id, int index) =>
        new(nameof(id), $"Decode: id {id} at index {index} is outside the vocabulary of {VocabularySize}.");

    private static string Unknown(string kind) =>
        $"a tokenizer of type '{kind}' is unknown; known are {string.Join(", ", Kinds.Keys.Order())}. "
        + $"Make it known by Tokenizer.Register(\"{kind}\", ...) first.";
}

/// <summary>The fields of a saved tokenizer.</summary>
/// <param name="Root">The JSON object.</param>
/// <param name="File">The file it comes from, for messages.</param>
public readonly record struct TokenizerFields(JsonElement Root, string File)
{
    /// <summary>A field that is a string.</summary>
    /// <exception cref="BadFileException">It is missing or no string.</exception>
    public string Text(string field) =>
        Field(field) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Bad(field, "a string is needed here.");

    /// <summary>A field that is a whole number above 0.</summary>
    /// <param name="field">Its name.</param>
    /// <param name="most">The largest that is accepted.</param>
    /// <exception cref="BadFileException">It is missing or no such number.</exception>
    public int Size(string field, int most = int.MaxValue) =>
        Field(field) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out int size) && size > 0 && size <= most
            ? size
            : throw Bad(field, most == int.MaxValue ? "a whole number above 0 is needed here."
                : $"a whole number from 1 to {most} is needed here.");

    /// <summary>A field that is true or false; false where it is missing.</summary>
    /// <exception cref="BadFileException">It is something else.</exception>
    public bool Flag(string field) => Field(field) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        _ => throw Bad(field, "true or false is needed here."),
    };

    /// <summary>An error of a field.</summary>
    /// <param name="field">Its name.</param>
    /// <param name="problem">What is wrong, and what is needed.</param>
    public BadFileException Bad(string field, string problem) => new(File, field, problem);

    private JsonElement? Field(string name) =>
        Root.ValueKind == JsonValueKind.Object && Root.TryGetProperty(name, out var value) ? value : null;
}
