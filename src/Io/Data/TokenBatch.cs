namespace Mayfly;

/// <summary>Rows of ids to learn from.</summary>
/// <param name="Ids">I32 (B, T).</param>
/// <param name="Targets">I32 (B, T): the ids one place later, -1 where nothing is to be learned.</param>
/// <param name="Parts">The documents of the rows, where these are kept apart; else null.</param>
/// <param name="Counted">The targets that count.</param>
public readonly record struct TokenBatch(Tensor Ids, Tensor Targets, Segments? Parts, int Counted)
{
    /// <summary>The batch of ids and targets, each of whole rows.</summary>
    internal static TokenBatch Of(int[] ids, int[] targets, int context, int? separator, Device? device)
    {
        Shape shape = (ids.Length / context, context);
        var parts = separator is { } end ? Segments.Of(Documents.Starts(ids, context, end), context, device) : null;
        return new TokenBatch(Tensor.From<int>(ids, shape, device), Tensor.From<int>(targets, shape, device), parts,
            Documents.Counted(targets));
    }
}

/// <summary>Documents within rows of ids, told by the id that ends each.</summary>
public static class Documents
{
    /// <summary>For each position the first one of its document, counted from its row's first.</summary>
    /// <param name="ids">Whole rows.</param>
    /// <param name="context">The ids of a row.</param>
    /// <param name="separator">The id that ends a document.</param>
    public static int[] Starts(ReadOnlySpan<int> ids, int context, int separator)
    {
        int[] starts = new int[ids.Length];
        for (int i = 0, start = 0; i < ids.Length; i++)
        {
            if (i % context == 0) start = 0;
            starts[i] = start;
            if (ids[i] == separator) start = i % context + 1;
        }

        return starts;
    }

    /// <summary>Ignores what would have to be told from another document: the first id behind each end.</summary>
    public static void Detach(ReadOnlySpan<int> ids, Span<int> targets, int separator)
    {
        for (int i = 0; i < ids.Length; i++)
            if (ids[i] == separator) targets[i] = -1;
    }

    /// <summary>The targets that count.</summary>
    public static int Counted(ReadOnlySpan<int> targets) => targets.Length - targets.Count(-1);
}
