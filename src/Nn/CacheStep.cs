namespace Mayfly;

/// <summary>New tokens of a row of a <see cref="KvCache"/>.</summary>
/// <param name="Row">The row.</param>
/// <param name="Tokens">At least one id.</param>
public readonly record struct RowTokens(int Row, ReadOnlyMemory<int> Tokens);

/// <summary>A part of a model that attends and whose keys and values a <see cref="KvCache"/> keeps.</summary>
public interface IAttention
{
    /// <summary>The name within the model.</summary>
    string Path { get; }

    /// <summary>G, the number of key and value heads.</summary>
    int KvHeads { get; }

    /// <summary>D, the size of a head.</summary>
    int HeadSize { get; }

    /// <summary>How many positions up to its own each one sees; 0 for all of them.</summary>
    int Window => 0;
}

/// <summary>
/// The new tokens of all rows of a cache, one after the other without padding, and where each belongs. While a model reads them,
/// <see cref="LanguageModel.Step"/> is this: its <see cref="Attention"/> attends by it and its <see cref="Embedding"/> of positions looks
/// them up here.
/// </summary>
public sealed class CacheStep : IDisposable
{
    private readonly KvCache cache;
    private readonly CacheRun[] runs;
    private readonly Dictionary<Rotation, Rotation> turned = [];
    private readonly HashSet<IAttention> attended = [];

    /// <summary>Tensors in the innermost scope.</summary>
    internal CacheStep(KvCache cache, IReadOnlyList<RowTokens> rows, Device device)
    {
        this.cache = cache;
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
    /// <param name="rotation">How they turn at 0, 1, ...</param>
    public Rotation? Turned(Rotation? rotation)
    {
        if (rotation is null) return null;
        if (turned.TryGetValue(rotation, out var known)) return known;
        var table = rotation.On(Positions.Device);
        long pairs = table.Shape[1];
        using var rows = table.Reshape((-1, 2 * pairs)).Embedding(Positions); // (1, N, D)
        return turned[rotation] = new Rotation(rows.Reshape((-1, pairs, 2)).Keep(), rotation.Halves);
    }

    /// <summary>
    /// Attention over what the cache holds, which takes the new keys and values: qkv (1, N, (heads + 2 kvHeads) D) -> (1, N, heads D).
    /// </summary>
    /// <param name="attention">The part of the model that attends.</param>
    /// <param name="qkv">Queries, keys and values side by side, turned.</param>
    /// <exception cref="ArgumentException">The cache is of another model.</exception>
    /// <exception cref="InvalidOperationException">This part attends a second time, where its keys of the first would be lost.</exception>
    public Tensor Attend(IAttention attention, Tensor qkv) => attended.Add(attention)
        ? cache.Attend(attention, qkv, runs)
        : throw new InvalidOperationException(
            $"Extend: {attention.Path} attends twice to the same tokens, and a cache keeps one set of keys; "
            + "let the model's ReadsNewTokensAlone be false.");

    /// <summary>x (1, N, C) at each row's last token: (1, rows, C).</summary>
    public Tensor AtLast(Tensor x) => x.Reshape((x.Shape[1], x.Shape[2])).Embedding(Last);

    /// <summary>Frees what does not belong to a scope.</summary>
    void IDisposable.Dispose()
    {
        foreach (var rotation in turned.Values) rotation.Table.Dispose();
    }

    private static void Join(List<CacheRun> runs, CacheRun next)
    {
        if (runs.Count > 0 && runs[^1].Joins(next)) runs[^1] = runs[^1] with { Rows = runs[^1].Rows + 1 };
        else runs.Add(next);
    }
}
