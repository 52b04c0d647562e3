namespace TrainGpt;

/// <summary>A file or folder of a corpus: texts, or a file of ids.</summary>
internal sealed class CorpusPart : IDisposable
{
    /// <summary>Ends a document among others: the control character "end of text".</summary>
    public const string Separator = "\u0003";

    private readonly string name;
    private readonly string[] texts;
    private readonly bool isPacked;

    private CorpusPart(string name, string[] texts, bool isPacked, TokenFile? file) => (this.name, this.texts, this.isPacked, File) = (name, texts, isPacked, file);

    /// <summary>The ids, where they came as such.</summary>
    public TokenFile? File { get; }

    /// <summary>All characters that have to have an id.</summary>
    public string Text => isPacked ? string.Concat(texts.Append(Separator)) : texts[0];

    /// <summary>Opens a path by the end of its name: .bin is a file of ids, .jsonl one of documents, all else text.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static CorpusPart Open(string path, CancellationToken stop)
    {
        string name = $"'{path}'";
        if (Directory.Exists(path) || !System.IO.File.Exists(path)) return Of(name, TextSource.Read(path, stop));
        return Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".BIN" => new CorpusPart(name, [], false, TokenFile.Open(path)),
            ".JSONL" => new CorpusPart(name, [.. JsonLines.ReadTexts(path)], true, null),
            _ => Of(name, TextSource.Read(path, stop)),
        };
    }

    /// <summary>One text.</summary>
    public static CorpusPart Of(string name, string text) => new(name, [text], false, null);

    /// <summary>The ids; those of documents are packed with a separator after each.</summary>
    /// <exception cref="InputException">The vocabulary lacks an id or a character.</exception>
    public ITokens Tokens(Tokenizer tokenizer)
    {
        if (File is not null) return Checked(File, tokenizer.VocabularySize);
        return new MemoryTokens(isPacked ? TokenPacker.Pack(texts.Select(tokenizer.Encode), tokenizer.Encode(Separator)[0]) : tokenizer.Encode(texts[0]));
    }

    /// <inheritdoc/>
    public void Dispose() => File?.Dispose();

    private TokenFile Checked(TokenFile file, int size)
    {
        int largest = file.LargestId();
        return largest < size ? file : throw new InputException($"{name} has the id {largest}, beyond the vocabulary of {size}; give --vocabulary {largest + 1} or more to a new run.");
    }
}
