namespace Mayfly;

/// <summary>A sequence of token ids, wherever it is kept.</summary>
public interface ITokens
{
    /// <summary>The number of ids.</summary>
    long Count { get; }

    /// <summary>Copies the ids from <paramref name="start"/> on, as many as <paramref name="ids"/> has room for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence ends before.</exception>
    void Copy(long start, Span<int> ids);

    /// <summary>Copies ids as <see cref="Copy"/> does, but -1 for those that are read and not to be learned.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence ends before.</exception>
    void CopyTargets(long start, Span<int> targets) => Copy(start, targets);

    /// <summary>True where some ids are not to be learned.</summary>
    bool HasIgnored => false;

    /// <summary>The id that ends each document; null where that is not known, or the text is one.</summary>
    int? Separator => null;
}

/// <summary>Ids in memory. They are not copied.</summary>
/// <param name="ids">The ids.</param>
public sealed class MemoryTokens(ReadOnlyMemory<int> ids) : ITokens
{
    /// <inheritdoc/>
    public long Count => ids.Length;

    /// <inheritdoc/>
    public void Copy(long start, Span<int> to) => ids.Span.Slice(checked((int)start), to.Length).CopyTo(to);
}

/// <summary>A part of a sequence.</summary>
internal sealed class TokenRange(ITokens tokens, long first, long count) : ITokens
{
    /// <inheritdoc/>
    public long Count => count;

    /// <inheritdoc/>
    public bool HasIgnored => tokens.HasIgnored;

    /// <inheritdoc/>
    public int? Separator => tokens.Separator;

    /// <inheritdoc/>
    public void Copy(long start, Span<int> ids)
    {
        Check(start, ids.Length);
        tokens.Copy(first + start, ids);
    }

    /// <inheritdoc/>
    public void CopyTargets(long start, Span<int> targets)
    {
        Check(start, targets.Length);
        tokens.CopyTargets(first + start, targets);
    }

    private void Check(long start, int length)
    {
        if (start < 0 || start > count - length)
            throw new ArgumentOutOfRangeException(nameof(start), $"Tokens {start} to {start + length} of {count}.");
    }
}
