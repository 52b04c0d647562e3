namespace TrainGpt;

/// <summary>A file or folder of a corpus: texts, or a file of ids.</summary>
internal sealed class CorpusPart : IDisposable
{
    private readonly string name;
    private readonly string? text;
    private readonly DataSource? source;
    private ITokens? made;

    private CorpusPart(string name, string? text, DataSource? source, TokenShards? ids) =>
        (this.name, this.text, this.source, Ids) = (name, text, source, ids);

    /// <summary>The ids, where they came as such.</summary>
    public TokenShards? Ids { get; }

    /// <summary>The tokenizer that lies beside the ids, if there is one.</summary>
    public Tokenizer? OwnTokenizer { get; private init; }

    /// <summary>Where a tokenizer should lie beside prepared ids and does not; null where nothing is amiss.</summary>
    public string? LacksTokenizer { get; private init; }

    /// <summary>All texts whose characters have to have an id.</summary>
    public IEnumerable<string> Texts => text is not null ? [text] : source?.Texts() ?? [];

    /// <summary>What was read and what was passed over, in a line, or null.</summary>
    public string? Summary => source?.Summary;

    /// <summary>What a path can be, in words.</summary>
    public static string Help => $"{DataSource.Help.TrimEnd('.')}; token ids in a .bin file, a folder of nothing else, or a name with * "
        + "that ends in .bin.";

    /// <summary>Opens a path.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static CorpusPart Open(string path, DataFormat format)
    {
        if (TokenShards.Find(path) is { Count: > 0 } files) return OfIds(path, TokenShards.Open(files), files[0]);
        return new($"'{path}'", null, DataSource.Open(path, format), null);
    }

    /// <summary>A text in memory.</summary>
    public static CorpusPart Of(string name, string text) => new(name, text, null, null);

    /// <summary>The ids; a separator ends each document.</summary>
    /// <exception cref="InputException">The vocabulary lacks an id or a character.</exception>
    public ITokens Tokens(Tokenizer tokenizer, TokenCache cache)
    {
        if (Ids is not null) return Checked(Ids, tokenizer);
        try
        {
            return made = source is null ? new MemoryTokens(tokenizer.Encode(text!)) : cache.Tokens(source, tokenizer);
        }
        catch (InputException e) when (e is not BadFileException)
        {
            throw new InputException($"{name}: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Ids?.Dispose();
        (made as IDisposable)?.Dispose();
    }

    private static CorpusPart OfIds(string path, TokenShards ids, string first)
    {
        string beside = TokenShards.TokenizerOf(first);
        if (ids.Info is not { } info) return new($"'{path}'", null, null, ids);
        if (!File.Exists(beside)) return new($"'{path}'", null, null, ids) { LacksTokenizer = beside };
        var tokenizer = Tokenizer.Load(beside);
        if (tokenizer.Hash != info.TokenizerHash)
        {
            ids.Dispose();
            throw new BadFileException(beside, "tokenizer", $"it is not the one that '{first}' was made with; prepare the data again.");
        }

        return new($"'{path}'", null, null, ids) { OwnTokenizer = tokenizer };
    }

    private TokenShards Checked(TokenShards ids, Tokenizer tokenizer)
    {
        if (ids.Info is { } info && info.TokenizerHash == tokenizer.Hash) return ids;
        int largest = ids.LargestId(), size = tokenizer.VocabularySize;
        return largest < size ? ids : throw new InputException(
            $"{name} has the id {largest}, beyond the vocabulary of {size}; give --vocabulary {largest + 1} or more to a new run.");
    }
}
