namespace Mayfly;

/// <summary>
/// The windows of a token sequence side by side, each of T ids with the ids one place later as targets: every token but the first is
/// predicted once, except those after the last whole window.
/// </summary>
public sealed class Windows
{
    private readonly ITokens tokens;

    /// <summary>Cuts windows of <paramref name="context"/> ids.</summary>
    /// <exception cref="InputException">The sequence is not longer than the context.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A context below 1.</exception>
    public Windows(ITokens tokens, int context)
    {
        this.tokens = LongEnough(tokens, context);
        Context = context;
        Count = (int)Math.Min(int.MaxValue, (tokens.Count - 1) / context);
    }

    /// <summary>Ids per window (T).</summary>
    public int Context { get; }

    /// <summary>The number of windows.</summary>
    public int Count { get; }

    /// <summary>Writes <paramref name="rows"/> windows from <paramref name="first"/> on: ids and targets, each rows * T.</summary>
    /// <exception cref="ArgumentException">A span has another length, or there are no such windows.</exception>
    public void Fill(int first, int rows, Span<int> ids, Span<int> targets)
    {
        if (first < 0 || rows < 0 || first > Count - rows)
            throw new ArgumentException($"Windows {first} to {first + (long)rows} of {Count}.");
        CheckRoom(ids, targets, rows, Context);
        for (int row = 0; row < rows; row++) Cut(tokens, (first + row) * (long)Context, row, Context, ids, targets);
        if (Separator is { } end) Documents.Detach(ids, targets, end);
        for (int row = 0; row < rows; row++) targets.Slice(row * Context, Math.Min(Unscored, Context)).Fill(-1);
    }

    /// <summary>The first targets of each window that do not count, as what comes before them is short.</summary>
    public int Unscored { get; init; }

    /// <summary>The id that ends each document, where these do not see each other; null where a window is one text.</summary>
    public int? Separator { get; init; }

    /// <summary>Windows <paramref name="first"/> to <paramref name="first"/> + <paramref name="rows"/>.</summary>
    public TokenBatch Read(int first, int rows, Device? device = null)
    {
        int[] ids = new int[rows * Context], targets = new int[rows * Context];
        Fill(first, rows, ids, targets);
        return TokenBatch.Of(ids, targets, Context, Separator, device);
    }

    /// <summary>
    /// Windows <paramref name="first"/> to <paramref name="first"/> + <paramref name="rows"/> as tensors of I32, each (rows, T).
    /// </summary>
    public (Tensor Ids, Tensor Targets) Get(int first, int rows, Device? device = null)
    {
        int[] ids = new int[rows * Context], targets = new int[rows * Context];
        Fill(first, rows, ids, targets);
        return (Tensor.From<int>(ids, (rows, Context), device), Tensor.From<int>(targets, (rows, Context), device));
    }

    internal static ITokens LongEnough(ITokens tokens, int context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(context, 1);
        return tokens.Count > context
            ? tokens
            : throw new InputException($"{tokens.Count} tokens are too few for a context of {context}, which needs {context + 1L}; "
                + "give more text or a shorter context.");
    }

    internal static void CheckRoom(Span<int> ids, Span<int> targets, int rows, int context)
    {
        if (ids.Length != rows * context || targets.Length != ids.Length)
            throw new ArgumentException($"Room for {ids.Length} ids and {targets.Length} targets; "
                + $"{rows} windows of {context} need {rows * context} of each.");
    }

    internal static void Cut(ITokens tokens, long start, int row, int context, Span<int> ids, Span<int> targets)
    {
        tokens.Copy(start, ids.Slice(row * context, context));
        tokens.CopyTargets(start + 1, targets.Slice(row * context, context));
    }
}
