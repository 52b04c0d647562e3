namespace TrainGpt;

/// <summary>The data of a run: one part that is split, or one to train on and one to validate on.</summary>
internal sealed class Corpus : IDisposable
{
    /// <summary>What two thousand steps at the default settings read about once.</summary>
    private const int MostSdkCharacters = 2_000_000;

    private readonly string name;
    private readonly CorpusPart train;
    private readonly CorpusPart? validation;
    private bool isWhole;

    private Corpus(string name, CorpusPart train, CorpusPart? validation, string validationName) =>
        (this.name, this.train, this.validation, ValidationName) = (name, train, validation, validationName);

    /// <summary>What messages call what is validated on.</summary>
    public string ValidationName { get; }

    /// <summary>What messages call the data.</summary>
    public static string Name(string? data) =>
        data is not null ? $"'{data}'" : SdkDocs.FindFolder() is null ? "this repository's text"
            : "the API documentation of this machine's .NET SDK";

    /// <summary>
    /// Opens files or folders; without data it is .NET's API documentation, or the repository's text on machines that lack it.
    /// </summary>
    /// <param name="data">What to train on; without <paramref name="validation"/> its last tenth is to validate on.</param>
    /// <param name="validation">What to validate on, or null.</param>
    /// <param name="stop">Stops between files.</param>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static Corpus Open(string? data, string? validation, CancellationToken stop)
    {
        CheckThere(data);
        CheckThere(validation);
        var train = data is null
            ? CorpusPart.Of("The default text", [SdkDocs.ReadDefault(RepositoryFolder(), MostSdkCharacters, stop)])
            : CorpusPart.Open(data, stop);
        return new Corpus(data is null ? "The default text" : Name(data), train, validation is null ? null
            : CorpusPart.Open(validation, stop), validation is null ? $"the last tenth of {Name(data)}" : Name(validation));
    }

    /// <summary>Opens a file or a folder to validate on all of it.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static Corpus OpenWhole(string data, CancellationToken stop)
    {
        CheckThere(data);
        return new Corpus(Name(data), CorpusPart.Open(data, stop), null, Name(data)) { isWhole = true };
    }

    /// <summary>Refuses a name that stands for nothing, before other files are read.</summary>
    /// <exception cref="InputException">There is no such file or folder.</exception>
    public static void CheckThere(string? path)
    {
        if (path is not null && !path.Contains('*') && !Path.Exists(path))
            throw new InputException($"There is no file or folder '{path}'.");
    }

    /// <summary>The tokenizer of a new run: a given one, numbers for a file of ids, or the characters that occur.</summary>
    /// <exception cref="InputException">The settings do not fit the data.</exception>
    public Tokenizer MakeTokenizer(TrainOptions options)
    {
        var tokenizer = Find(options);
        return options.Vocabulary is not { } size || size == tokenizer.VocabularySize
            ? tokenizer
            : throw new InputException(
                $"--vocabulary {size} is for files of ids; the tokenizer of {name} has {tokenizer.VocabularySize} tokens. "
                    + "Leave the option out.");
    }

    private Tokenizer Find(TrainOptions options)
    {
        if (TokenizerChoice.Open(options.Tokenizer) is { } tokenizer) return tokenizer;
        if (train.Ids is not { } ids)
            return new CharTokenizer(train.Texts.Concat(validation?.Texts ?? []), options.Tokenizer == TokenizerChoice.Characters);
        if (options.Vocabulary is { } size) return new IdTokenizer(size);
        int largest = Math.Max(ids.LargestId(), validation?.Ids?.LargestId() ?? 0);
        return new IdTokenizer(Math.Max(largest + 1, ModelChoice.LeastVocabulary(options)));
    }

    /// <summary>The ids.</summary>
    /// <exception cref="InputException">The tokenizer's vocabulary lacks an id or a character.</exception>
    public TokenStream Tokens(Tokenizer tokenizer) => isWhole
        ? new TokenStream(new MemoryTokens(default), train.Tokens(tokenizer), "Nothing", name)
        : validation is null
        ? new TokenStream(train.Tokens(tokenizer), name)
        : new TokenStream(train.Tokens(tokenizer), validation.Tokens(tokenizer), name, ValidationName);

    /// <inheritdoc/>
    public void Dispose()
    {
        train.Dispose();
        validation?.Dispose();
    }

    private static string RepositoryFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Engine.sln"))) return folder.FullName;
        return Environment.CurrentDirectory;
    }
}
