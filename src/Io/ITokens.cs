namespace Mayfly;

/// <summary>A sequence of token ids, wherever it is kept.</summary>
public interface ITokens
{
    /// <summary>The number of ids.</summary>
    long Count { get; }

    /// <summary>Copies the ids from <paramref name="start"/> on, as many as <paramref name="ids"/> has room for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence ends before.</exception>
    void Copy(long start, Span<int> ids);
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
    public void Copy(long start, Span<int> ids)
    {
        if (start < 0 || start > count - ids.Length)
            throw new ArgumentOutOfRangeException(nameof(start), $"Tokens {start} to {start + ids.Length} of {count}.");
        tokens.Copy(first + start, ids);
    }
}
