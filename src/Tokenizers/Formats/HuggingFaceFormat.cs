using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>Hugging Face's tokenizer.json.</summary>
internal static class HuggingFaceFormat
{
    private static readonly Dictionary<string, Func<HuggingFaceVocabulary, JsonPart, IWordModel>> Models = new()
    {
        ["BPE"] = ReadBpe,
        ["Unigram"] = ReadUnigram,
    };

    /// <summary>True where it is an object with a model.</summary>
    public static bool Fits(ReadOnlyMemory<byte> bytes) => bytes.Span.TrimStart(" \t\r\n"u8).StartsWith("{"u8)
        && bytes.Span.IndexOf("\"model\""u8) >= 0;

    /// <summary>Reads one.</summary>
    /// <exception cref="BadFileException">It is damaged, or has a part that is not supported.</exception>
    public static TokenizerDefinition Read(byte[] bytes, string file) => JsonPart.Read(Text(bytes, file), file, Read);

    /// <summary>A byte order mark is no JSON.</summary>
    private static byte[] Text(byte[] bytes, string file) => Encoding.UTF8.GetBytes(
        Files.DecodeUtf8(bytes) ?? throw new BadFileException(file, "JSON", "it is not UTF-8 text."));

    private static TokenizerDefinition Read(JsonPart root)
    {
        var model = root["model"];
        string kind = model["type"].IsNull ? model["merges"].IsNull ? "Unigram" : "BPE" : model.Type;
        if (!Models.TryGetValue(kind, out var read)) throw model["type"].Unsupported(kind, Models.Keys);
        bool isByteLevel = PreTokenizers.IsByteLevel(root["pre_tokenizer"]) || Decoders.IsByteLevel(root["decoder"]);
        var added = root["added_tokens"].Items.Select(AddedToken.Read).ToArray();
        var vocabulary = HuggingFaceVocabulary.Read(model, added, isByteLevel);
        var template = Template.Read(root["post_processor"], vocabulary);
        return new TokenizerDefinition
        {
            Tokens = vocabulary.Tokens,
            Kinds = vocabulary.Kinds,
            Model = read(vocabulary, model),
            IsByteLevel = isByteLevel,
            Added = added,
            Normalizer = Raw(root["normalizer"]),
            PreTokenizer = Raw(root["pre_tokenizer"]),
            Decoder = Raw(root["decoder"]),
            Begin = template.Begin,
            End = template.End ?? EndTokens.Find(added),
            Unknown = vocabulary.Unknown,
            HasByteFallback = model["byte_fallback"].Flag(false),
            FusesUnknown = model["fuse_unk"].Flag(kind == "Unigram"),
        };
    }

    private static BpeModel ReadBpe(HuggingFaceVocabulary vocabulary, JsonPart model)
    {
        foreach (string name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (model[name] is { IsNull: false, Text.Length: > 0 } part) throw part.Bad("it is not supported; only an empty one is.");
        if (model["dropout"] is { IsNull: false, Number: not 0 } dropout) throw dropout.Bad("dropout is not supported.");
        var pairs = new PairTable();
        foreach (var merge in model["merges"].Items)
        {
            var (left, right) = Merge(merge);
            int rank = pairs.Count;
            pairs.Add(Id(left), Id(right), rank, Id(left + right));

            int Id(string token) => vocabulary.Ids.TryGetValue(token, out int id) ? id : throw merge.Bad($"'{token}' is no token.");
        }

        return new BpeModel(ByteModel.Map(vocabulary.Tokens, vocabulary.Kinds), vocabulary.Tokens.Length, pairs,
            vocabulary.Fallback(model, fuses: false), vocabulary.IsByteLevel, model["ignore_merges"].Flag(false));
    }

    private static UnigramModel ReadUnigram(HuggingFaceVocabulary vocabulary, JsonPart model)
    {
        var scores = new double[vocabulary.Tokens.Length];
        int id = 0;
        foreach (var item in model["vocab"].Items) scores[id++] = item[1].Number;
        return UnigramOf(vocabulary.Tokens, vocabulary.Kinds, scores, vocabulary.Fallback(model, fuses: true));
    }

    /// <summary>The model of all normal tokens.</summary>
    public static UnigramModel UnigramOf(byte[]?[] tokens, TokenKind[] kinds, double[] scores, Fallback fallback) =>
        new(Enumerable.Range(0, tokens.Length).Where(id => kinds[id] == TokenKind.Normal && tokens[id] is not null)
            .Select(id => (id, tokens[id]!)), scores, fallback);

    /// <summary>Both parts, as one text with a space between them or as two.</summary>
    private static (string Left, string Right) Merge(JsonPart merge)
    {
        if (merge.Element.ValueKind == JsonValueKind.Array)
            return merge.Items.ToArray() is [var left, var right] ? (left.Text, right.Text)
                : throw merge.Bad("two tokens are needed here.");
        string text = merge.Text;
        int space = text.IndexOf(' ');
        return space > 0 && space < text.Length - 1 && text.IndexOf(' ', space + 1) < 0
            ? (text[..space], text[(space + 1)..])
            : throw merge.Bad("two tokens with a space between them are needed here.");
    }

    private static string Raw(JsonPart part) => part.IsNull ? "null" : part.Element.GetRawText();
}
