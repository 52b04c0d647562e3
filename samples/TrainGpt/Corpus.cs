namespace TrainGpt;

/// <summary>The data of a run: one part that is split, or one to train on and one to validate on.</summary>
internal sealed class Corpus : IDisposable
{
    /// <summary>What two thousand steps at the default settings read about once.</summary>
    private const int MostSdkCharacters = 2_000_000;

    private readonly string name;
    private readonly CorpusPart train;
    private readonly CorpusPart? validation;
    private readonly TokenCache cache;
    private readonly bool isApart;
    private bool isWhole;

    private Corpus(
        string name, CorpusPart train, CorpusPart? validation, string validationName, TrainOptions options, CommandContext context)
    {
        (this.name, this.train, this.validation, ValidationName) = (name, train, validation, validationName);
        (cache, isApart) = (TokenCache.Of(options, context), options.Documents == DocumentChoice.Apart);
    }

    /// <summary>What was read of folders and what was passed over, in lines.</summary>
    public IEnumerable<string> Summary => new[] { train.Summary, validation?.Summary }.OfType<string>();

    /// <summary>What messages call what is validated on.</summary>
    public string ValidationName { get; }

    /// <summary>What messages call the data.</summary>
    public static string Name(string? data) =>
        data is not null ? $"'{data}'" : SdkDocs.FindFolder() is null ? "this repository's text"
            : "the API documentation of this machine's .NET SDK";

    /// <summary>
    /// Opens files or folders; without data it is .NET's API documentation, or the repository's text on machines that lack it.
    /// </summary>
    /// <param name="options">What to train on; without data to validate on its last tenth is for that; and how it is read.</param>
    /// <param name="context">Stops it, and hears how far it is.</param>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static Corpus Open(TrainOptions options, CommandContext context)
    {
        var (data, validation, format) = (options.Data, options.Validation, Format(options));
        CheckThere(data);
        CheckThere(validation);
        var train = data is null
            ? CorpusPart.Of("The default text", SdkDocs.ReadDefault(RepositoryFolder(), MostSdkCharacters, context.Stop))
            : CorpusPart.Open(data, format);
        var second = validation is null ? null : CorpusPart.Open(validation, format);
        string validated = validation is null ? $"the last tenth of {Name(data)}" : Name(validation);
        return new Corpus(data is null ? "The default text" : Name(data), train, second, validated, options, context);
    }

    /// <summary>Opens a file or a folder to validate on all of it.</summary>
    /// <exception cref="InputException">It cannot be read.</exception>
    public static Corpus OpenWhole(string data, TrainOptions options, CommandContext context)
    {
        CheckThere(data);
        return new Corpus(Name(data), CorpusPart.Open(data, Format(options)), null, Name(data), options, context) { isWhole = true };
    }

    /// <summary>How documents are found in the data of a run.</summary>
    /// <exception cref="InputException">There is no such template.</exception>
    public static DataFormat Format(TrainOptions options) => new(options.TextField,
        options.Template == TemplateChoice.Fitting ? null : ChatTemplate.Named(options.Template),
        options.Documents == DocumentChoice.Apart);

    /// <summary>Refuses a name that stands for nothing, before other files are read.</summary>
    /// <exception cref="InputException">There is no such file or folder.</exception>
    public static void CheckThere(string? path)
    {
        if (path is not null && !path.Contains('*') && !Path.Exists(path) && !IsSet(path))
            throw new InputException($"There is no file or folder '{path}'.");
    }

    /// <summary>True for the name of a set of token files that has only these.</summary>
    private static bool IsSet(string path) => TokenShards.Find(path) is [var first, ..] && File.Exists(first);

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
        if (train.OwnTokenizer is { } own && options.Vocabulary is null) return own;
        if (train.LacksTokenizer is { } missing && options.Vocabulary is null) throw new InputException(
            $"{name} was prepared with a tokenizer that is not beside it ('{missing}'); give it by --tokenizer.");
        if (train.Ids is not { } ids)
            return new CharTokenizer(train.Texts.Concat(validation?.Texts ?? []), options.Tokenizer == TokenizerChoice.Characters);
        if (options.Vocabulary is { } size) return new IdTokenizer(size);
        int largest = Math.Max(ids.LargestId(), validation?.Ids?.LargestId() ?? 0);
        return new IdTokenizer(Math.Max(largest + 1, ModelChoice.LeastVocabulary(options)));
    }

    /// <summary>The ids.</summary>
    /// <exception cref="InputException">The tokenizer's vocabulary lacks an id or a character.</exception>
    public TokenStream Tokens(Tokenizer tokenizer)
    {
        var first = train.Tokens(tokenizer, cache);
        var second = validation?.Tokens(tokenizer, cache);
        if (isApart && (first.Separator is null || second is { Separator: null })) throw new InputException(
            $"--documents {SettingText.Write(DocumentChoice.Apart)}: {name} does not say where its documents end; "
                + "give texts, or prepare them.");
        return isWhole ? new TokenStream(new MemoryTokens(default), first, "Nothing", name) { KeepsDocumentsApart = isApart }
            : second is null ? new TokenStream(first, name) { KeepsDocumentsApart = isApart }
            : new TokenStream(first, second, name, ValidationName) { KeepsDocumentsApart = isApart };
    }

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
