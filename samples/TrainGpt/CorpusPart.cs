namespace TrainGpt;

/// <summary>A file or folder of a corpus: texts, or a file of ids.</summary>
internal sealed class CorpusPart : IDisposable
{
    /// <summary>Ends a document among others: the control character "end of text".</summary>
    public const string Separator = "\u0003";

    private readonly string name;
    private readonly string[] texts;
    private readonly bool isPacked;

    private CorpusPart(string name, string[] texts, bool isPacked, TokenShards? ids) =>
        (this.name, this.texts, this.isPacked, Ids) = (name, texts, isPacked, ids);

    /// <summary>The ids, where they came as such.</summary>
    public TokenShards? Ids { get; }

    /// <summary>All characters that have to have an id.</summary>
    public string Text => isPacked ? string.Concat(texts.Append(Separator)) : texts[0];

    /// <summary>Opens a path: files of ids as <see cref="TokenShards.Find"/> says, a .jsonl file of documents, all else text.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static CorpusPart Open(string path, CancellationToken stop)
    {
        string name = $"'{path}'";
        if (TokenShards.Find(path) is { Count: > 0 } shards) return new CorpusPart(name, [], false, TokenShards.Open(shards));
        return File.Exists(path) && Path.GetExtension(path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase)
            ? new CorpusPart(name, [.. JsonLines.ReadTexts(path)], true, null)
            : Of(name, TextSource.Read(path, stop));
    }

    /// <summary>One text.</summary>
    public static CorpusPart Of(string name, string text) => new(name, [text], false, null);

    /// <summary>The ids; those of documents are packed with a separator after each.</summary>
    /// <exception cref="InputException">The vocabulary lacks an id or a character.</exception>
    public ITokens Tokens(Tokenizer tokenizer)
    {
        if (Ids is not null) return Checked(Ids, tokenizer.VocabularySize);
        return new MemoryTokens(isPacked ? TokenPacker.Pack(texts.Select(tokenizer.Encode), tokenizer.Encode(Separator)[0])
            : tokenizer.Encode(texts[0]));
    }

    /// <inheritdoc/>
    public void Dispose() => Ids?.Dispose();

    private TokenShards Checked(TokenShards ids, int size)
    {
        int largest = ids.LargestId();
        return largest < size ? ids : throw new InputException(
            $"{name} has the id {largest}, beyond the vocabulary of {size}; give --vocabulary {largest + 1} or more to a new run.");
    }
}
