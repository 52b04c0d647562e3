using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// A vocabulary in the fields of a GGUF header: the other way of <see cref="GgufVocabulary"/>. Bytes are a byte-level vocabulary without
/// merges; characters SentencePiece's without a piece of two. What the file would not say of a tokenizer is an error.
/// </summary>
internal sealed class GgufTokens
{
    private const string Prefix = "tokenizer.ggml.";
    private readonly TokenizerDefinition definition;
    private readonly Tokenizer tokenizer;
    private readonly int size;

    private GgufTokens(TokenizerDefinition definition, Tokenizer tokenizer, int size) =>
        (this.definition, this.tokenizer, this.size) = (definition, tokenizer, size);

    /// <summary>The fields.</summary>
    /// <param name="tokenizer">The tokenizer; null and one of ids have no vocabulary.</param>
    /// <param name="size">The tokens of the model, of which the tokenizer may have fewer.</param>
    /// <exception cref="NotSupportedException">A part of the tokenizer has no place in the file; the message names it.</exception>
    public static IEnumerable<(string Field, object Value)> Of(Tokenizer? tokenizer, int size) =>
        tokenizer is null || PlainDefinition.Of(tokenizer) is not { } definition ? [(Prefix + "model", "no_vocab")]
            : new GgufTokens(definition, tokenizer, size).Fields();

    private IEnumerable<(string Field, object Value)> Fields()
    {
        if (definition.Model is not BpeModel model) throw Cannot("the unigram model", "byte-pair encoding");
        yield return (Prefix + "model", definition.IsByteLevel ? "gpt2" : "llama");
        if (definition.IsByteLevel) yield return (Prefix + "pre", GgufVocabulary.NameOf(Pattern(), model));
        yield return (Prefix + "tokens", Enumerable.Range(0, size).Select(Text).ToArray());
        yield return (Prefix + "token_type", Enumerable.Range(0, size).Select(id => (int)Kind(id)).ToArray());
        if (definition.IsByteLevel) yield return (Prefix + "merges", Merges(model));
        else yield return (Prefix + "scores", Scores(model));
        if (!definition.IsByteLevel) yield return (Prefix + "add_space_prefix", AddsSpace());
        yield return (Prefix + "bos_token_id", (uint)(definition.Begin ?? End));
        yield return (Prefix + "eos_token_id", (uint)End);
        if (definition.Unknown >= 0) yield return (Prefix + "unknown_token_id", (uint)definition.Unknown);
        yield return (Prefix + "add_bos_token", definition.Begin is not null);
        yield return (Prefix + "add_eos_token", false);
    }

    /// <summary>
    /// llama.cpp ends a text at a token whether or not the vocabulary has one for it, so that it is one which texts do not have: the
    /// unknown one, or the byte 0.
    /// </summary>
    private int End => definition.End ?? (definition.Unknown >= 0 ? definition.Unknown
        : definition.Added.FirstOrDefault(token => token.IsSpecial)?.Id is { } special ? special
        : Array.FindIndex(definition.Tokens, token => token is [0]) is var zero and >= 0 ? zero
        : throw Cannot("a vocabulary without a token that ends a text or stands for what is unknown",
            "one that has it, as --tokenizer char or byte makes"));

    private TokenKind Kind(int id) => id >= definition.Tokens.Length || definition.Tokens[id] is null ? TokenKind.Unused
        : definition.Kinds[id];

    private string Text(int id)
    {
        if (Kind(id) == TokenKind.Unused) return string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]");
        byte[] token = definition.Tokens[id]!;
        if (definition.IsByteLevel) return Kind(id) == TokenKind.Normal ? ByteAlphabet.Write(token) : Encoding.UTF8.GetString(token);
        string text = Encoding.UTF8.GetString(token);
        if (tokenizer is not CharTokenizer) return text;
        return text == Metaspace.Mark && definition.Tokens.Any(other => other is [(byte)' '])
            ? throw Cannot($"a space and '{Metaspace.Mark}' in one vocabulary of characters", "one of them")
            : text.Replace(" ", Metaspace.Mark, StringComparison.Ordinal);
    }

    private string[] Merges(BpeModel model) => [.. from pair in model.Pairs.All
                                                   orderby pair.Rank, pair.Left, pair.Right
                                                   select $"{Text(pair.Left)} {Text(pair.Right)}"];

    /// <summary>The later a token is merged the lower; equal ranks have equal scores.</summary>
    private float[] Scores(BpeModel model)
    {
        var scores = new float[size];
        Array.Fill(scores, -model.Pairs.Count - 1f);
        foreach (var (_, _, rank, id) in model.Pairs.All.Where(pair => pair.Id < size)) scores[id] = Math.Max(scores[id], -rank);
        return scores;
    }

    /// <summary>The pattern by which a byte-level vocabulary cuts text; any will do where nothing is merged.</summary>
    private string Pattern()
    {
        if (definition.Normalizer != "null") throw Cannot("the tokenizer's normalizer", "none");
        return JsonPart.Read(Encoding.UTF8.GetBytes(definition.PreTokenizer), "tokenizer", part => PatternOf(part))
            ?? throw Cannot("the tokenizer's pre_tokenizer", $"those of {GgufVocabulary.PatternNames}");
    }

    /// <summary>The pattern of ByteLevel with its regex, or of one Split before a ByteLevel without; null for anything else.</summary>
    private static string? PatternOf(JsonPart part)
    {
        if (part.IsNull) return null;
        if (part.Type == "ByteLevel")
            return part["add_prefix_space"].Flag(true) || !part["use_regex"].Flag(true) ? null : PreTokenizers.Gpt2Pattern;
        return part.Type == "Sequence" && part["pretokenizers"].Items.ToArray() is [{ Type: "Split" } split, { Type: "ByteLevel" } bytes]
            && split["behavior"].Text is "Isolated" or "Removed" && split["pattern"]["Regex"] is { IsNull: false } regex
            && !bytes["add_prefix_space"].Flag(true) && !bytes["use_regex"].Flag(true) ? regex.Text : null;
    }

    /// <summary>True where a space begins every text; spaces are marks there, and nothing else is done to a text.</summary>
    private bool AddsSpace()
    {
        if (tokenizer is CharTokenizer) return false;
        string[] steps = [.. Steps(definition.Normalizer), .. Steps(definition.PreTokenizer)];
        if (steps.Contains("Metaspace") && steps.Length == 1) return Read(definition.PreTokenizer, Metaspace.Prepends);
        if (steps.FirstOrDefault(step => step is not ("Prepend" or "Replace")) is { } other)
            throw Cannot($"what the tokenizer does to a text by its '{other}'", "spaces that become marks");
        return steps.Contains("Prepend");
    }

    private static string[] Steps(string json) => Read(json, part => part.IsNull ? [] : StepsOf(part).ToArray());

    private static IEnumerable<string> StepsOf(JsonPart part) =>
        part.Type == "Sequence" ? part["normalizers"].Items.Concat(part["pretokenizers"].Items).SelectMany(StepsOf) : [part.Type];

    private static T Read<T>(string json, Func<JsonPart, T> read) => JsonPart.Read(Encoding.UTF8.GetBytes(json), "tokenizer", read);

    private static NotSupportedException Cannot(string what, string instead) => new($"GGUF has no place for {what}, only for {instead}.");
}
