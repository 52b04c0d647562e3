namespace Mayfly;

/// <summary>The special tokens that a <c>post_processor</c> puts around a text.</summary>
/// <param name="Begin">The one before it, or null.</param>
/// <param name="End">The one after it, or null.</param>
internal readonly record struct Template(int? Begin, int? End)
{
    private static readonly Dictionary<string, Func<JsonPart, HuggingFaceVocabulary, Template>> Kinds = new()
    {
        ["TemplateProcessing"] = ReadTemplate,
        ["ByteLevel"] = (_, _) => default,
        ["RobertaProcessing"] = ReadPair,
        ["BertProcessing"] = ReadPair,
        ["Sequence"] = (part, vocabulary) => part["processors"].Items.Select(p => Read(p, vocabulary)).Aggregate(default(Template),
            (all, one) => new Template(all.Begin ?? one.Begin, all.End ?? one.End)),
    };

    /// <summary>Reads it; null has none.</summary>
    /// <exception cref="BadFileException">It is of another kind, or damaged.</exception>
    public static Template Read(JsonPart part, HuggingFaceVocabulary vocabulary) => part.IsNull ? default
        : Kinds.TryGetValue(part.Type, out var read) ? read(part, vocabulary) : throw part.Unsupported(part.Type, Kinds.Keys);

    private static Template ReadPair(JsonPart part, HuggingFaceVocabulary vocabulary) =>
        new(Known(part["cls"][1], vocabulary), Known(part["sep"][1], vocabulary));

    private static Template ReadTemplate(JsonPart part, HuggingFaceVocabulary vocabulary)
    {
        var items = part["single"].Items.ToArray();
        int text = Array.FindIndex(items, item => !item["Sequence"].IsNull);
        if (text is not (0 or 1) || items.Length - text > 2)
            throw part["single"].Bad("at most one special token before and one after the text is supported.");
        return new Template(text == 1 ? Special(items[0]) : null, items.Length - text == 2 ? Special(items[^1]) : null);

        int Special(JsonPart item)
        {
            var known = part["special_tokens"][item["SpecialToken"]["id"].Text]["ids"];
            return known.Items.ToArray() is [var id] ? Known(id, vocabulary) : throw known.Bad("one id is needed here.");
        }
    }

    private static int Known(JsonPart id, HuggingFaceVocabulary vocabulary) =>
        id.Id < vocabulary.Tokens.Length && vocabulary.Tokens[id.Id] is not null ? id.Id : throw id.Bad("there is no such token.");
}
