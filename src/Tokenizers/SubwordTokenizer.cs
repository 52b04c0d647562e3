using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// A tokenizer of subwords from a file that others made, or from <see cref="BpeTrainer"/>: byte-pair encoding or the unigram model. Where
/// its tokens are made of bytes every sequence of bytes comes back as it was. Plain text never becomes a special token.
/// </summary>
public sealed class SubwordTokenizer : Tokenizer
{
    internal const string KindName = "subword";
    private const string FormatField = "format", ContentField = "content", BeginField = "begin", EndField = "end";
    private readonly TokenizerDefinition definition;
    private readonly TokenizerFormat format;
    private readonly byte[] content;
    private readonly Func<byte[], byte[]> normalize, normalizeNext;
    private readonly Func<Cut, Cut> cut;
    private readonly TokenFinder found, foundLater;
    private readonly byte[]?[] texts;
    private readonly int stripped;
    private readonly ConcurrentBag<WordCache> caches = []; // as many as threads have encoded side by side

    internal SubwordTokenizer(TokenizerFormat format, byte[] content, TokenizerDefinition definition, string file)
    {
        (this.format, this.content, this.definition) = (format, content, definition);
        normalize = Section(definition.Normalizer, "normalizer", file, Normalizers.Read);
        normalizeNext = Section(definition.Normalizer, "normalizer", file, Normalizers.ReadNext);
        cut = MarkCut.For(definition) ?? Section(definition.PreTokenizer, "pre_tokenizer", file, PreTokenizers.Read);
        var decoder = Section(definition.Decoder, "decoder", file, part => Decoders.Read(part, definition.IsByteLevel));
        (texts, stripped) = (Texts(definition, decoder), decoder.Stripped + (decoder.Joins ? 1 : 0));
        var plain = definition.Added.Where(token => !token.IsSpecial).ToArray();
        (found, foundLater) = (new TokenFinder(plain.Where(token => !token.IsNormalized)),
            new TokenFinder(plain.Where(token => token.IsNormalized)));
        SpecialTokens = Specials(definition).AsReadOnly();
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override int VocabularySize => definition.Tokens.Length;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, int> SpecialTokens { get; }

    /// <inheritdoc/>
    public override int? BeginOfText => definition.Begin;

    /// <inheritdoc/>
    public override int? EndOfText => definition.End;

    internal TokenizerDefinition Definition => definition;

    /// <summary>
    /// Makes the kind known, so that <see cref="Tokenizer.Load"/> and <see cref="Snapshot"/> can read it where no tokenizer of it was made.
    /// </summary>
    public static void Register() => Register(KindName, Read);

    /// <inheritdoc/>
    public override int[] Encode(string text) => EncodeBytes(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc/>
    public override int[] EncodeBytes(ReadOnlySpan<byte> utf8) => Encode(utf8.ToArray(), found);

    /// <inheritdoc/>
    public override int[] EncodeNextBytes(ReadOnlySpan<byte> utf8) => Encode(utf8.ToArray(), found, begins: false);

    /// <inheritdoc/>
    public override string Hash => HashOf([.. Encoding.UTF8.GetBytes($"{format.Name} {definition.Begin} {definition.End} "), .. content]);

    /// <summary>The ids of a text in which the names of special tokens stand for these.</summary>
    /// <param name="text">The text.</param>
    /// <param name="names">The special tokens that may be in it; null for all.</param>
    /// <exception cref="ArgumentException">There is no special token of a name.</exception>
    /// <exception cref="InputException">The vocabulary lacks a part of the text.</exception>
    public int[] EncodeWithSpecials(string text, IReadOnlyCollection<string>? names = null)
    {
        if (names?.FirstOrDefault(name => !SpecialTokens.ContainsKey(name)) is { } other)
            throw new ArgumentException($"EncodeWithSpecials: there is no special token '{other}'; there are "
                + $"{string.Join(", ", SpecialTokens.Keys)}.", nameof(names));
        var all = definition.Added.Where(token => token.IsSpecial ? names?.Contains(token.Content) ?? true : !token.IsNormalized);
        return Encode(Encoding.UTF8.GetBytes(text), new TokenFinder(all));
    }

    /// <summary>The text of ids; bytes that are no UTF-8 become U+FFFD, and special tokens nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the vocabulary.</exception>
    public override string Decode(ReadOnlySpan<int> ids) => Encoding.UTF8.GetString(DecodeBytes(ids));

    /// <inheritdoc/>
    public override byte[] DecodeBytes(ReadOnlySpan<int> ids)
    {
        byte[] bytes = Join(ids);
        int spaces = 0;
        while (spaces < stripped && spaces < bytes.Length && bytes[spaces] == ' ') spaces++;
        return bytes[spaces..];
    }

    /// <inheritdoc/>
    public override string DecodeNext(ReadOnlySpan<int> ids) => Encoding.UTF8.GetString(Join(ids));

    /// <summary>Writes it as Hugging Face's tokenizer.json.</summary>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void SaveHuggingFace(string path) => Files.Replace(path, stream => HuggingFaceWriter.Write(stream, definition));

    internal static SubwordTokenizer Read(TokenizerFields fields)
    {
        string name = fields.Text(FormatField);
        var format = TokenizerFormat.All.FirstOrDefault(format => format.Name == name)
            ?? throw fields.Bad(
                FormatField, $"'{name}' is unknown; known are {string.Join(", ", TokenizerFormat.All.Select(f => f.Name))}.");
        byte[] content = Inflate(fields);
        var definition = format.Read(content, fields.File);
        int size = definition.Tokens.Length;
        definition = definition with { Begin = Optional(fields, BeginField, size), End = Optional(fields, EndField, size) };
        return new SubwordTokenizer(format, content, definition, fields.File);
    }

    /// <inheritdoc/>
    protected override void WriteFields(Utf8JsonWriter json)
    {
        var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(content);
        json.WriteString(FormatField, format.Name);
        if (definition.Begin is { } begin) json.WriteNumber(BeginField, begin);
        if (definition.End is { } end) json.WriteNumber(EndField, end);
        json.WriteNumber("bytes", content.Length);
        json.WriteBase64String(ContentField, packed.GetBuffer().AsSpan(0, (int)packed.Length));
    }

    private int[] Encode(byte[] bytes, TokenFinder finder, bool begins = true)
    {
        var ids = new List<int>(bytes.Length / 3 + 8);
        if (!caches.TryTake(out var words)) words = new WordCache();
        foreach (var (start, length, id) in finder.Find(bytes))
            if (id >= 0) ids.Add(id);
            else EncodeStretch(Part(bytes, start, length), start == 0, begins || start > 0, words, ids);
        caches.Add(words);
        return [.. ids];
    }

    /// <summary>Encodes a stretch; that which goes on from other text, as the first of a part, has nothing before it.</summary>
    private void EncodeStretch(byte[] bytes, bool isFirst, bool isWhole, WordCache words, List<int> ids)
    {
        bytes = isWhole ? normalize(bytes) : normalizeNext(bytes);
        foreach (var (start, length, id) in foundLater.Find(bytes))
            if (id >= 0) ids.Add(id);
            else EncodePieces(cut(Cut.Whole(Part(bytes, start, length), isFirst && isWhole && start == 0)), words, ids);
    }

    private static byte[] Part(byte[] bytes, int start, int length) => length == bytes.Length ? bytes : bytes[start..(start + length)];

    private void EncodePieces(Cut cut, WordCache words, List<int> ids)
    {
        foreach (var piece in cut.Pieces) words.Encode(definition.Model, cut.Piece(piece), ids);
    }

    private byte[] Join(ReadOnlySpan<int> ids)
    {
        int size = 0;
        for (int i = 0; i < ids.Length; i++) size += Text(ids[i], i).Length;
        var bytes = new byte[size];
        size = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            texts[ids[i]]!.CopyTo(bytes, size);
            size += texts[ids[i]]!.Length;
        }

        return bytes;
    }

    private byte[] Text(int id, int index) => (uint)id < (uint)texts.Length ? texts[id] ?? throw OutOfVocabulary(id, index)
        : throw OutOfVocabulary(id, index);

    private static byte[]?[] Texts(TokenizerDefinition definition, Decoders decoder)
    {
        var texts = new byte[definition.Tokens.Length][];
        for (int id = 0; id < texts.Length; id++)
            if (definition.Tokens[id] is { } token) texts[id] = Text(token, definition, decoder, definition.Kinds[id]);
        foreach (var added in definition.Added.Where(token => !token.IsSpecial)) texts[added.Id] = Encoding.UTF8.GetBytes(added.Content);
        return texts;
    }

    private static byte[] Text(byte[] token, TokenizerDefinition definition, Decoders decoder, TokenKind kind)
    {
        if (kind == TokenKind.Control) return [];
        if (definition.IsByteLevel) return token;
        if (decoder.HasBytes && ByteToken.Of(token) is var value and >= 0) return [(byte)value];
        byte[] text = decoder.Decode(token);
        return decoder.Joins ? [(byte)' ', .. text] : text;
    }

    private static Dictionary<string, int> Specials(TokenizerDefinition definition)
    {
        var specials = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in definition.Added.Where(token => token.IsSpecial)) specials.TryAdd(token.Content, token.Id);
        return specials;
    }

    private static T Section<T>(string json, string name, string file, Func<JsonPart, T> read) =>
        JsonPart.Read(Encoding.UTF8.GetBytes(json), file, part => read(part with { Path = name }));

    private static int? Optional(TokenizerFields fields, string field, int size)
    {
        if (!fields.Root.TryGetProperty(field, out var value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0 && id < size
            ? id
            : throw fields.Bad(field, $"an id of the {size} tokens is needed here.");
    }

    /// <summary>Unpacks the file that was stored; how long it may become is what the field says.</summary>
    private static byte[] Inflate(TokenizerFields fields)
    {
        int size = fields.Size("bytes");
        try
        {
            using var packed = new ZLibStream(
                new MemoryStream(Convert.FromBase64String(fields.Text(ContentField))), CompressionMode.Decompress);
            using var content = new MemoryStream();
            var piece = new byte[1 << 16];
            for (int read; content.Length <= size && (read = packed.Read(piece)) > 0;) content.Write(piece, 0, read);
            return content.Length == size ? content.ToArray() : throw fields.Bad(ContentField, $"it does not unpack to {size} bytes.");
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            throw fields.Bad(ContentField, $"it cannot be unpacked: {e.Message}");
        }
    }
}
