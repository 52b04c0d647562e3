namespace Mayfly;

/// <summary>The names that special tokens have which end a text, where a file does not tell.</summary>
internal static class EndTokens
{
    private static readonly string[] Names =
        [TiktokenEncoding.EndOfText, "</s>", "<|end_of_text|>", "<eos>", "<|im_end|>", "<｜end▁of▁sentence｜>"];

    /// <summary>The first of them that there is, or null.</summary>
    public static int? Find(IReadOnlyCollection<AddedToken> added) =>
        Names.Select(name => added.FirstOrDefault(token => token.Content == name && token.IsSpecial))
            .FirstOrDefault(token => token is not null)?.Id;
}
