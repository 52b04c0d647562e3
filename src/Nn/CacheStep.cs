namespace Mayfly;

/// <summary>New tokens of a row of a <see cref="KvCache"/>.</summary>
/// <param name="Row">The row.</param>
/// <param name="Tokens">At least one id.</param>
public readonly record struct RowTokens(int Row, ReadOnlyMemory<int> Tokens);

/// <summary>The new tokens of all rows, one after the other without padding, and where each belongs.</summary>
internal sealed class CacheStep
{
    private readonly KvCache cache;
    private readonly CacheRun[] runs;

    /// <summary>Tensors in the innermost scope.</summary>
    /// <exception cref="ArgumentException">A row is unknown, comes twice, gets no token or more than it has room for.</exception>
    public CacheStep(KvCache cache, IReadOnlyList<RowTokens> rows, Device device)
    {
        this.cache = cache;
        Check(cache, rows);
        int total = rows.Sum(r => r.Tokens.Length), place = 0;
        int[] ids = new int[total], positions = new int[total], last = new int[rows.Count];
        var found = new List<CacheRun>();
        for (int i = 0; i < rows.Count; i++)
        {
            var (row, tokens) = rows[i];
            int start = cache.Length(row);
            tokens.Span.CopyTo(ids.AsSpan(place));
            for (int t = 0; t < tokens.Length; t++) positions[place + t] = start + t;
            Join(found, new CacheRun(row, 1, start, tokens.Length, place));
            place += tokens.Length;
            last[i] = place - 1;
        }

        runs = [.. found];
        Ids = Tensor.From<int>(ids, (1, total), device);
        Positions = Tensor.From<int>(positions, (1, total), device);
        Last = Tensor.From<int>(last, (1, rows.Count), device);
    }

    /// <summary>I32 (1, N).</summary>
    public Tensor Ids { get; }

    /// <summary>I32 (1, N): how many tokens of its row come before each.</summary>
    public Tensor Positions { get; }

    /// <summary>I32 (1, rows): the place of each row's last token among the N.</summary>
    public Tensor Last { get; }

    /// <summary>How queries and keys turn at these positions; null where they do not.</summary>
    public Rotation? Rotation { get; set; }

    /// <summary>The number of the block that comes next.</summary>
    public int Block { get; set; }

    /// <summary>Attention of one block, which stores its keys and values: qkv (1, N, (heads + 2 kvHeads) D) -> (1, N, heads D).</summary>
    public Tensor Attend(Tensor qkv) => cache.Attend(Block++, qkv, runs);

    /// <summary>x (1, N, C) at each row's last token: (1, rows, C).</summary>
    public Tensor AtLast(Tensor x) => x.Reshape((x.Shape[1], x.Shape[2])).Embedding(Last);

    /// <summary>Counts the new tokens as held.</summary>
    public void Commit()
    {
        foreach (var run in runs)
            for (int row = run.Row; row < run.Row + run.Rows; row++) cache.Advance(row, run.Count);
    }

    private static void Join(List<CacheRun> runs, CacheRun next)
    {
        if (runs.Count > 0 && runs[^1].Joins(next)) runs[^1] = runs[^1] with { Rows = runs[^1].Rows + 1 };
        else runs.Add(next);
    }

    private static void Check(KvCache cache, IReadOnlyList<RowTokens> rows)
    {
        if (rows.Count == 0) throw new ArgumentException("Extend: no rows; give at least one.");
        var seen = new HashSet<int>();
        foreach (var (row, tokens) in rows)
        {
            if (row < 0 || row >= cache.Rows) throw new ArgumentException($"Extend: row {row} of a cache of {cache.Rows} rows.");
            if (!seen.Add(row)) throw new ArgumentException($"Extend: row {row} comes twice; give all its tokens at once.");
            if (tokens.Length == 0) throw new ArgumentException($"Extend: row {row} gets no token; leave it out.");
            if (cache.Length(row) + tokens.Length > cache.Capacity)
                throw new ArgumentException($"Extend: row {row} holds {cache.Length(row)} of {cache.Capacity} tokens and gets {tokens.Length} more; truncate it or make a larger cache.");
        }
    }
}
