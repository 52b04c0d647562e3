namespace TrainGpt;

/// <summary>What <c>--tokenizer</c> means.</summary>
internal static class TokenizerChoice
{
    /// <summary>The characters of the data.</summary>
    public const string Characters = "char";

    /// <summary>Those with a name: what they are, and how one is made; null is made of the data.</summary>
    private static readonly (string Name, string Help, Func<Tokenizer>? Make)[] Named =
    [
        ("byte", "the 256 bytes", () => new ByteTokenizer()),
        (Characters, "the characters of the data and one id for all others", null),
        ("gpt2", "GPT-2's 50257 tokens", () => Vocabularies.Open("Gpt2", "gpt2")),
        ("cl100k", "GPT-4's 100277", () => Vocabularies.Open("Cl100kBase", "cl100k_base")),
        ("o200k", "GPT-4o's 200019", () => Vocabularies.Open("O200kBase", "o200k_base")),
    ];

    /// <summary>The names.</summary>
    public static string[] Names => [.. Named.Select(named => named.Name)];

    /// <summary>All values, in words.</summary>
    public static string Help =>
        $"{string.Join(", ", Named.Select(named => $"{named.Name} ({named.Help})"))}, or a file: {TokenizerFile.Help}.";

    /// <summary>Refuses a file that is not there, before data is read.</summary>
    /// <exception cref="InputException">There is no such file.</exception>
    public static void CheckThere(string? value)
    {
        if (!Names.Contains(value)) Corpus.CheckThere(value);
    }

    /// <summary>The tokenizer of a name or a file; null where the data decides.</summary>
    /// <exception cref="InputException">The file cannot be read, or is no tokenizer.</exception>
    public static Tokenizer? Open(string? value)
    {
        if (value is null) return null;
        int index = Array.IndexOf(Names, value);
        return index < 0 ? TokenizerFile.Open(value) : Named[index].Make?.Invoke();
    }
}
