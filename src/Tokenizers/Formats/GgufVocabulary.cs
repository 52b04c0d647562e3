using System.Text;

namespace Mayfly;

/// <summary>The vocabulary in a GGUF file's header: SentencePiece's (llama) or a byte-level one (gpt2).</summary>
internal static class GgufVocabulary
{
    private const string Prefix = "tokenizer.ggml.", TokensField = Prefix + "tokens";

    private const string Llama3Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>
    /// What the names in <c>tokenizer.ggml.pre</c> stand for: the pattern, and whether pieces that are tokens are not merged.
    /// </summary>
    private static readonly Dictionary<string, (string Pattern, bool TakesWholes)> Patterns = new()
    {
        ["gpt-2"] = (PreTokenizers.Gpt2Pattern, false),
        ["llama-bpe"] = (Llama3Pattern, true),
        ["llama3"] = (Llama3Pattern, true),
        ["qwen2"] = (Llama3Pattern.Replace(@"\p{N}{1,3}", @"\p{N}"), false),
    };

    /// <summary>The names of the patterns that are known.</summary>
    public static string PatternNames => string.Join(", ", Patterns.Keys);

    /// <summary>The name of the pattern by which a model's text is cut.</summary>
    /// <exception cref="NotSupportedException">It has none.</exception>
    public static string NameOf(string pattern, BpeModel model)
    {
        foreach (var (name, known) in Patterns)
            if (model.Pairs.Count == 0 || known == (pattern, model.TakesWholes)) return name;
        throw new NotSupportedException(
            $"GGUF has no name for the pattern by which the tokenizer cuts text; those of {PatternNames} have one.");
    }

    /// <summary>The tokenizer in a file's header, or null where there is none.</summary>
    /// <exception cref="BadFileException">It is damaged, or of a kind that is not supported.</exception>
    public static SubwordTokenizer? Read(GgufReader file)
    {
        if (!file.Fields.ContainsKey(Prefix + "model")) return null;
        string model = Get<string>(file, "model");
        if (model is "no_vocab" or "none") return null;
        return model switch
        {
            "llama" => Pieces(file),
            "gpt2" => Bytes(file),
            _ => throw new BadFileException(file.Path, Prefix + "model", $"'{model}' is not supported; llama and gpt2 are."),
        };
    }

    private static SubwordTokenizer Pieces(GgufReader file)
    {
        string[] tokens = Get<string[]>(file, "tokens");
        double[] scores = Of(file, "scores", tokens.Length, 0.0);
        var kinds = Kinds(file, tokens.Length);
        var model = new SentencePieceModel
        {
            Pieces = [.. tokens.Select((text, id) => (text, (float)scores[id], kinds[id]))],
            IsBpe = true,
            HasByteFallback = true,
            AddsSpace = Optional(file, "add_space_prefix", true),
            Begin = Optional(file, "add_bos_token", true) ? Special(file, "bos_token_id", tokens.Length) ?? 1 : null,
            End = Special(file, "eos_token_id", tokens.Length) ?? 2,
        };
        return TokenizerFile.Make(TokenizerFormat.SentencePiece, SentencePieceWriter.Write(model), file.Path);
    }

    private static SubwordTokenizer Bytes(GgufReader file)
    {
        string[] tokens = Get<string[]>(file, "tokens");
        var kinds = Kinds(file, tokens.Length);
        var list = new TokenList(file.Path);
        for (int id = 0; id < tokens.Length; id++)
            if (kinds[id] != TokenKind.Unused) list.Add(id, Token(file, tokens[id], kinds[id]), kinds[id], TokensField);
        var definition = Gpt2Format.Define(list, Get<string[]>(file, "merges").Select(Merge), file.Path);
        var (pattern, takesWholes) = Pattern(file);
        definition = definition with
        {
            PreTokenizer = ByteModel.PreTokenizer(pattern),
            Model = ((BpeModel)definition.Model).With(takesWholes),
            Begin = Optional(file, "add_bos_token", false) ? Special(file, "bos_token_id", tokens.Length) : null,
            End = Special(file, "eos_token_id", tokens.Length),
        };
        var json = new MemoryStream();
        HuggingFaceWriter.Write(json, definition);
        byte[] bytes = json.ToArray();
        var read = TokenizerFormat.HuggingFace.Read(bytes, file.Path) with { Begin = definition.Begin, End = definition.End };
        return TokenizerFile.Make(TokenizerFormat.HuggingFace, bytes, file.Path, read);

        (string, string, string) Merge(string text, int index)
        {
            string field = $"{Prefix}merges[{index}]";
            return text.Split(' ') is [{ Length: > 0 } left, { Length: > 0 } right] ? (left, right, field)
                : throw new BadFileException(file.Path, field, "two tokens with a space between them are needed here.");
        }
    }

    private static (string, bool) Pattern(GgufReader file)
    {
        string name = Optional(file, "pre", "gpt-2");
        return Patterns.TryGetValue(name, out var pattern) ? pattern : throw new BadFileException(
            file.Path, Prefix + "pre", $"'{name}' is not supported; known are {string.Join(", ", Patterns.Keys)}.");
    }

    private static byte[] Token(GgufReader file, string text, TokenKind kind) =>
        (kind == TokenKind.Normal ? ByteAlphabet.Read(text) : Encoding.UTF8.GetBytes(text))
            ?? throw new BadFileException(file.Path, TokensField, $"'{text}' has a character that stands for no byte.");

    private static TokenKind[] Kinds(GgufReader file, int count) =>
        [.. Of(file, "token_type", count, (long)TokenKind.Normal).Select(kind => (TokenKind)kind)];

    private static int? Special(GgufReader file, string name, int count)
    {
        if (!file.Fields.ContainsKey(Prefix + name)) return null;
        long id = Get<long>(file, name);
        return id >= 0 && id < count ? (int)id : throw new BadFileException(file.Path, Prefix + name, $"there is no token {id}.");
    }

    private static T[] Of<T>(GgufReader file, string name, int count, T standard)
    {
        if (!file.Fields.ContainsKey(Prefix + name)) return [.. Enumerable.Repeat(standard, count)];
        var items = Get<T[]>(file, name);
        return items.Length == count ? items
            : throw new BadFileException(file.Path, Prefix + name, $"{items.Length} items for {count} tokens.");
    }

    private static T Optional<T>(GgufReader file, string name, T standard) =>
        file.Fields.ContainsKey(Prefix + name) ? Get<T>(file, name) : standard;

    private static T Get<T>(GgufReader file, string name) => file.Fields.GetValueOrDefault(Prefix + name) is T value ? value
        : throw new BadFileException(file.Path, Prefix + name, "it is missing or of another type.");
}
