namespace TrainGpt;

/// <summary>A file or folder of a corpus: texts, or a file of ids.</summary>
internal sealed class CorpusPart : IDisposable
{
    /// <summary>Ends a document among others: the control character "end of text".</summary>
    public const string Separator = "\u0003";

    /// <summary>What can be read: in words for the help, the paths that are of the kind, and how one is read. The first counts.</summary>
    private static readonly (string Help, Func<string, bool> Fits, Func<string, CancellationToken, CorpusPart> Read)[] Kinds =
    [
        ("token ids in a .bin file, a folder of nothing else, or a name with * that ends in .bin",
            path => TokenShards.Find(path).Count > 0, (path, _) => Shards(path, TokenShards.Open(TokenShards.Find(path)))),
        ("a .jsonl file of objects with a field text",
            path => IsFile(path, ".jsonl"), (path, _) => Documents(path, JsonLines.ReadTexts(path))),
        ("a UTF-8 text file, or a folder of them", _ => true, (path, stop) => Of($"'{path}'", TextSource.ReadTexts(path, stop))),
    ];

    private readonly string name;
    private readonly IReadOnlyList<string> texts;
    private readonly bool isPacked;

    private CorpusPart(string name, IReadOnlyList<string> texts, bool isPacked, TokenShards? ids) =>
        (this.name, this.texts, this.isPacked, Ids) = (name, texts, isPacked, ids);

    /// <summary>The ids, where they came as such.</summary>
    public TokenShards? Ids { get; }

    /// <summary>All texts whose characters have to have an id.</summary>
    public IEnumerable<string> Texts => isPacked ? texts.Append(Separator) : texts;

    /// <summary>What a path can be, in words.</summary>
    public static string Help => string.Join("; ", Kinds.Reverse().Select(kind => kind.Help)) + ".";

    /// <summary>Opens a path.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static CorpusPart Open(string path, CancellationToken stop) => Kinds.First(kind => kind.Fits(path)).Read(path, stop);

    /// <summary>Texts that follow one another.</summary>
    public static CorpusPart Of(string name, IReadOnlyList<string> texts) => new(name, texts, false, null);

    /// <summary>The ids; those of documents are packed with a separator after each.</summary>
    /// <exception cref="InputException">The vocabulary lacks an id or a character.</exception>
    public ITokens Tokens(Tokenizer tokenizer)
    {
        if (Ids is not null) return Checked(Ids, tokenizer.VocabularySize);
        try
        {
            return new MemoryTokens(isPacked
                ? TokenPacker.Pack(texts.Select(tokenizer.Encode), End(tokenizer))
                : texts is [var only] ? tokenizer.Encode(only) : Join([.. texts.Select(tokenizer.Encode)]));
        }
        catch (InputException e)
        {
            throw new InputException($"{name}: {e.Message}", e);
        }
    }

    private int[] Join(int[][] parts)
    {
        long count = parts.Sum(part => (long)part.Length);
        if (count > Array.MaxLength) throw new InputException(
            $"it has {count:N0} tokens, more than memory holds in one piece; give token ids as a .bin file, which is not read into it.");
        int[] ids = new int[count];
        int at = 0;
        foreach (int[] part in parts)
        {
            part.CopyTo(ids, at);
            at += part.Length;
        }

        return ids;
    }

    /// <inheritdoc/>
    public void Dispose() => Ids?.Dispose();

    private static int End(Tokenizer tokenizer) => tokenizer.EndOfText ?? tokenizer.Encode(Separator)[0];

    private static CorpusPart Documents(string path, IEnumerable<string> texts) => new($"'{path}'", [.. texts], true, null);

    private static CorpusPart Shards(string path, TokenShards ids) => new($"'{path}'", [], false, ids);

    private static bool IsFile(string path, string extension) =>
        File.Exists(path) && Path.GetExtension(path).Equals(extension, StringComparison.OrdinalIgnoreCase);

    private TokenShards Checked(TokenShards ids, int size)
    {
        int largest = ids.LargestId();
        return largest < size ? ids : throw new InputException(
            $"{name} has the id {largest}, beyond the vocabulary of {size}; give --vocabulary {largest + 1} or more to a new run.");
    }
}
