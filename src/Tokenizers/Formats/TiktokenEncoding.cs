namespace Mayfly;

/// <summary>
/// What a .tiktoken file does not say: the pattern that cuts text and the special tokens, known by the number of its tokens.
/// </summary>
/// <param name="Name">Its name in tiktoken.</param>
/// <param name="Ranks">The tokens of its file.</param>
/// <param name="Pattern">The pattern, as in tiktoken_ext/openai_public.py.</param>
/// <param name="Specials">The special tokens.</param>
internal sealed record TiktokenEncoding(string Name, int Ranks, string Pattern, IReadOnlyList<(string Name, int Id)> Specials)
{
    /// <summary>The name of the special token that ends a text in all of them.</summary>
    public const string EndOfText = "<|endoftext|>";

    private const string Cl100kPattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        + @"\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]",
        Contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";

    private const string O200kPattern = $@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+{Contraction}|"
        + $@"[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*{Contraction}|"
        + @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>All that are known.</summary>
    public static readonly IReadOnlyList<TiktokenEncoding> All =
    [
        new("r50k_base", 50_256, PreTokenizers.Gpt2Pattern, [(EndOfText, 50_256)]),
        new("p50k_base", 50_280, PreTokenizers.Gpt2Pattern, [(EndOfText, 50_256)]),
        new("cl100k_base", 100_256, Cl100kPattern,
            [(EndOfText, 100_257), ("<|fim_prefix|>", 100_258), ("<|fim_middle|>", 100_259), ("<|fim_suffix|>", 100_260),
                ("<|endofprompt|>", 100_276)]),
        new("o200k_base", 199_998, O200kPattern, [(EndOfText, 199_999), ("<|endofprompt|>", 200_018)]),
    ];
}
