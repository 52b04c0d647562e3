namespace Mayfly;

/// <summary>A sequence of token ids and its two parts: the first nine tenths to train on, the last tenth to validate on.</summary>
public sealed class TokenStream
{
    /// <summary>Takes the ids as they are; they are not copied.</summary>
    /// <param name="tokens">The ids.</param>
    /// <param name="name">What messages call the data.</param>
    /// <exception cref="InputException">There are none.</exception>
    public TokenStream(ReadOnlyMemory<int> tokens, string name = "The data")
    {
        if (tokens.IsEmpty) throw new InputException($"{name} is empty: there is nothing to learn from.");
        Tokens = tokens;
        Name = name;
        int train = (int)(tokens.Length * 9L / 10);
        Train = tokens[..train];
        Validation = tokens[train..];
    }

    /// <summary>All ids.</summary>
    public ReadOnlyMemory<int> Tokens { get; }

    /// <summary>What messages call the data.</summary>
    public string Name { get; }

    /// <summary>The first nine tenths.</summary>
    public ReadOnlyMemory<int> Train { get; }

    /// <summary>The last tenth.</summary>
    public ReadOnlyMemory<int> Validation { get; }

    /// <summary>Random batches of the first nine tenths.</summary>
    /// <exception cref="InputException">The part is not longer than the context.</exception>
    public Batches TrainBatches(int batch, int context, ulong seed) => new(Long(Train, "train on", context, ((context + 1L) * 10 + 8) / 9), batch, context, seed);

    /// <summary>Random batches of the last tenth, for a quick estimate of the validation loss.</summary>
    /// <exception cref="InputException">The part is not longer than the context.</exception>
    public Batches ValidationBatches(int batch, int context, ulong seed) => new(Long(Validation, "validate on", context, context * 10L + 1), batch, context, seed);

    /// <summary>All windows of the last tenth side by side, for the exact validation loss.</summary>
    /// <exception cref="InputException">The part is not longer than the context.</exception>
    public Windows ValidationWindows(int context) => new(Long(Validation, "validate on", context, context * 10L + 1), context);

    private ReadOnlyMemory<int> Long(ReadOnlyMemory<int> part, string purpose, int context, long needed)
    {
        if (part.Length > context) return part;
        string most = part.Length > 1 ? $", or a context of at most {part.Length - 1}" : "";
        throw new InputException(
            $"{Name} has {Tokens.Length} tokens, {part.Length} of them to {purpose}; a context of {context} needs {context + 1L}. Give at least {needed} tokens{most}.");
    }
}
