namespace Mayfly;

/// <summary>Token ids in two parts: one to train on and one to validate on.</summary>
public sealed class TokenStream
{
    private readonly bool isSplit;
    private readonly string validationName;

    /// <summary>Takes ids in memory, nine tenths to train on and the last tenth to validate on; they are not copied.</summary>
    /// <param name="tokens">The ids.</param>
    /// <param name="name">What messages call the data.</param>
    /// <exception cref="InputException">There are none.</exception>
    public TokenStream(ReadOnlyMemory<int> tokens, string name = "The data") : this(new MemoryTokens(tokens), name)
    {
    }

    /// <summary>Takes the first nine tenths of a sequence to train on and the last tenth to validate on.</summary>
    /// <exception cref="InputException">It is empty.</exception>
    public TokenStream(ITokens tokens, string name = "The data")
    {
        if (tokens.Count == 0) throw new InputException($"{name} is empty: there is nothing to learn from.");
        (Name, validationName, isSplit) = (name, name, true);
        long train = tokens.Count / 10 * 9 + tokens.Count % 10 * 9 / 10; // without overflow
        Train = new TokenRange(tokens, 0, train);
        Validation = new TokenRange(tokens, train, tokens.Count - train);
    }

    /// <summary>Takes one sequence to train on and another to validate on, each as a whole.</summary>
    /// <param name="train">What to train on.</param>
    /// <param name="validation">What to validate on.</param>
    /// <param name="name">What messages call the data.</param>
    /// <param name="validationName">What they call the data to validate on; null: the same.</param>
    public TokenStream(ITokens train, ITokens validation, string name = "The data", string? validationName = null) =>
        (Train, Validation, Name, this.validationName) = (train, validation, name, validationName ?? name);

    /// <summary>True where documents do not see each other; they are told by <see cref="ITokens.Separator"/>.</summary>
    public bool KeepsDocumentsApart { get; init; }

    /// <summary>The number of ids in both parts.</summary>
    public long Count => Train.Count + Validation.Count;

    /// <summary>What messages call the data.</summary>
    public string Name { get; }

    /// <summary>The part to train on.</summary>
    public ITokens Train { get; }

    /// <summary>The part to validate on.</summary>
    public ITokens Validation { get; }

    /// <summary>Random batches of the part to train on.</summary>
    /// <exception cref="InputException">The part is not longer than the context.</exception>
    public Batches TrainBatches(int batch, int context, ulong seed) =>
        new(Long(Train, "train on", context, ((context + 1L) * 10 + 8) / 9), batch, context, seed) { Separator = End(Train) };

    /// <summary>Random batches of the part to validate on, for a quick estimate of the validation loss.</summary>
    /// <exception cref="InputException">The part is not longer than the context.</exception>
    public Batches ValidationBatches(int batch, int context, ulong seed) =>
        new(Long(Validation, "validate on", context, context * 10L + 1), batch, context, seed) { Separator = End(Validation) };

    /// <summary>All windows of the part to validate on, side by side, for the exact validation loss.</summary>
    /// <exception cref="InputException">The part is not longer than the context.</exception>
    public Windows ValidationWindows(int context, int unscored = 0) =>
        new(Long(Validation, "validate on", context, context * 10L + 1), context)
        {
            Separator = End(Validation),
            Unscored = unscored,
        };

    private int? End(ITokens part) => KeepsDocumentsApart ? part.Separator : null;

    private ITokens Long(ITokens part, string purpose, int context, long needed)
    {
        if (part.Count > context) return part;
        string most = part.Count > 1 ? $", or a context of at most {part.Count - 1}" : "";
        string has = validationName == Name ? $"{Name} has {Count} tokens, {part.Count} of them to {purpose}"
            : $"{(part == Validation ? validationName : Name)} has {part.Count} tokens to {purpose}";
        throw new InputException(
            $"{has}; a context of {context} needs {context + 1L}. Give at least {(isSplit ? needed : context + 1L)} tokens{most}.");
    }
}
