using System.Text;

namespace Mayfly;

/// <summary>The <c>vocab</c> of a tokenizer.json: an object of ids, or a list of tokens with their scores.</summary>
internal sealed class HuggingFaceVocabulary
{
    private HuggingFaceVocabulary(JsonPart model, AddedToken[] added, bool isByteLevel)
    {
        IsByteLevel = isByteLevel;
        var list = new TokenList(model.File);
        ReadIds(model["vocab"]);
        Unknown = FindUnknown(model);
        var kinds = added.ToLookup(token => token.Id, token => token.IsSpecial ? TokenKind.Control : TokenKind.UserDefined);
        foreach (var (text, id) in Ids.OrderBy(pair => pair.Value))
            list.Add(id, Bytes(text, kinds[id].Any()), KindOf(id, text), "model.vocab");
        foreach (var token in added)
            list.Add(token.Id, Encoding.UTF8.GetBytes(token.Content),
                token.Id == Unknown ? TokenKind.Unknown : kinds[token.Id].First(), "added_tokens");
        (Tokens, Kinds) = list.ToArrays("model.vocab");

        TokenKind KindOf(int id, string text) => id == Unknown ? TokenKind.Unknown : kinds[id].Any() ? kinds[id].First()
            : !isByteLevel && ByteToken.Of(Encoding.UTF8.GetBytes(text)) >= 0 ? TokenKind.Byte : TokenKind.Normal;
    }

    /// <summary>The ids by their texts, those of added tokens beyond it left out.</summary>
    public Dictionary<string, int> Ids { get; } = new(StringComparer.Ordinal);

    /// <summary>The tokens in bytes.</summary>
    public byte[]?[] Tokens { get; }

    /// <summary>What each is.</summary>
    public TokenKind[] Kinds { get; }

    /// <summary>The unknown token, or -1.</summary>
    public int Unknown { get; }

    /// <summary>True where tokens are bytes.</summary>
    public bool IsByteLevel { get; }

    /// <summary>Reads it.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static HuggingFaceVocabulary Read(JsonPart model, AddedToken[] added, bool isByteLevel) => new(model, added, isByteLevel);

    /// <summary>What becomes of unknown characters.</summary>
    public Fallback Fallback(JsonPart model, bool fuses) => new(
        model["byte_fallback"].Flag(false) ? ByteToken.Ids(Tokens, id => Kinds[id] == TokenKind.Byte) : null,
        Unknown, model["fuse_unk"].Flag(fuses));

    private void ReadIds(JsonPart vocab)
    {
        if (vocab.Element.ValueKind == System.Text.Json.JsonValueKind.Array)
            foreach (var item in vocab.Items) Add(item[0].Text, Ids.Count, item);
        else
            foreach (var (text, id) in vocab.Properties) Add(text, id.Id, id);
    }

    private void Add(string text, int id, JsonPart part)
    {
        if (!Ids.TryAdd(text, id)) throw part.Bad($"the token '{text}' is there twice.");
    }

    private int FindUnknown(JsonPart model)
    {
        if (model["unk_id"] is { IsNull: false } id) return id.Id < Ids.Count ? id.Id : throw id.Bad("there is no such token.");
        if (model["unk_token"] is not { IsNull: false, Text: var text }) return -1;
        return Ids.TryGetValue(text, out int found) ? found : throw model["unk_token"].Bad($"'{text}' is no token.");
    }

    /// <summary>Where tokens are bytes, one with another character in it can only be an added one.</summary>
    private byte[] Bytes(string text, bool isAdded) =>
        (IsByteLevel && !isAdded ? ByteAlphabet.Read(text) : null) ?? Encoding.UTF8.GetBytes(text);
}
