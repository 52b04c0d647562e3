namespace Mayfly;

/// <summary>
/// A model that scores the next token of a sequence. Training, evaluation, generation and snapshots take any: one of your own derives from
/// this class and writes <see cref="Config"/> and <see cref="Scores"/>, or is a <see cref="Decoder"/> of parts of its own.
/// </summary>
public abstract class LanguageModel : Module
{
    [ThreadStatic] private static (bool IsAsked, CacheStep? Step) reading;
    [ThreadStatic] private static Segments? segments;
    [ThreadStatic] private static Tensor? firstKeys;

    /// <summary>The shape.</summary>
    public abstract ModelConfig Config { get; }

    /// <summary>V, the number of tokens.</summary>
    public int VocabularySize => Config.VocabularySize;

    /// <summary>The longest sequence, in tokens.</summary>
    public int Context => Config.Context;

    /// <summary>The scores of every next token: ids I32 (B, T) -> (B, T, V).</summary>
    /// <param name="ids">I32 (B, T).</param>
    /// <param name="parts">Documents of the rows that do not see each other; null where each row is one.</param>
    /// <exception cref="ArgumentException">
    /// ids are not (B, T), T exceeds the context, or the model cannot keep documents apart.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Logits(Tensor ids, Segments? parts = null) => Apart(ids, parts, Call);

    /// <summary>The mean cross-entropy in nats of the targets.</summary>
    /// <param name="ids">I32 (B, T).</param>
    /// <param name="targets">I32 (B, T); -1 does not count.</param>
    /// <param name="total">What the sum is divided by; null means the number of targets that count.</param>
    /// <param name="parts">Documents of the rows that do not see each other; null where each row is one.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or the model cannot keep documents apart.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Loss(Tensor ids, Tensor targets, double? total = null, Segments? parts = null)
    {
        using var scope = Open(ids);
        CheckIds(ids);
        TokenMeter.Add(ids);
        return scope.Return(Apart(ids, parts, x => LossOf(x, targets, total)));
    }

    /// <summary>Makes room for the keys and values of sequences under generation.</summary>
    /// <param name="rows">The number of sequences.</param>
    /// <param name="capacity">The most tokens of one; 0 takes the context.</param>
    /// <exception cref="ArgumentException">No rows, or a capacity beyond the context.</exception>
    public KvCache NewCache(int rows, int capacity = 0) => new(
        ReadsNewTokensAlone ? Modules().OfType<IAttention>() : [], Device, rows, capacity == 0 ? Context : capacity, Context);

    /// <summary>
    /// Reads new tokens of some rows, which may be of different number, and scores what follows the last of each. The scores are those of
    /// <see cref="Logits"/> for the whole row; dropout is off, and no tape records.
    /// </summary>
    /// <param name="cache">Of this model; it holds the new tokens afterwards.</param>
    /// <param name="rows">Each row at most once, in any order; those that neighbour in the cache and here are served together.</param>
    /// <returns>(rows, V), in the order of <paramref name="rows"/>.</returns>
    /// <exception cref="ArgumentException">A row is unknown, comes twice, gets no token or more than it has room for.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Extend(KvCache cache, IReadOnlyList<RowTokens> rows)
    {
        cache.Check(rows);
        using var still = Tape.NoGrad();
        using var scope = Device.Scope("Extend");
        var outer = reading;
        reading = (true, null);
        try
        {
            var scores = ReadsNewTokensAlone ? ReadNew(cache, rows) : ReadAll(cache, rows);
            cache.Add(rows);
            return scope.Return(scores);
        }
        finally
        {
            reading = outer;
        }
    }

    /// <summary>True while a model of this thread is asked for the next tokens.</summary>
    internal static bool IsAsked => reading.IsAsked;

    /// <summary>The new tokens that a model of this thread reads; null where it reads whole sequences.</summary>
    public static CacheStep? Step => reading.Step;

    /// <summary>The documents of the batch that a model of this thread reads; null where each row is one.</summary>
    public static Segments? Segments => segments;

    /// <summary>The first key that each position of that batch sees; null for the first of its row.</summary>
    public static Tensor? FirstKeys => firstKeys;

    /// <summary>Runs a part of a model that backward runs again, when the batch's own first keys are no longer known.</summary>
    protected static Tensor WithFirstKeys(Tensor first, Func<Tensor, Tensor> part, Tensor x)
    {
        var outer = firstKeys;
        firstKeys = first;
        try
        {
            return part(x);
        }
        finally
        {
            firstKeys = outer;
        }
    }

    /// <summary>
    /// True where <see cref="Scores"/> may be given the new tokens of a cache's rows alone, (1, N) of any rows one after the other: where
    /// tokens meet in <see cref="Attention"/>, or another <see cref="IAttention"/>, only, and positions come from its
    /// <see cref="Rotation"/> or from <see cref="Embedding.AtPositions"/>. Otherwise each step of generation reads its rows from their
    /// first token on, which is as right and slower.
    /// </summary>
    protected virtual bool ReadsNewTokensAlone => false;

    /// <summary>The scores of every next token: ids I32 (B, T), T at most the context, -> (B, T, V).</summary>
    protected abstract Tensor Scores(Tensor ids);

    /// <summary>
    /// What <see cref="Loss"/> computes, the cross-entropy of <see cref="Scores"/>, for a model that need not hold all scores at one time.
    /// </summary>
    /// <param name="ids">I32 (B, T), T at most the context.</param>
    /// <param name="targets">I32 (B, T); -1 does not count.</param>
    /// <param name="total">What the sum is divided by; null means the number of targets that count.</param>
    /// <returns>A scalar.</returns>
    protected virtual Tensor LossOf(Tensor ids, Tensor targets, double? total) => Call(ids).CrossEntropy(targets, total: total);

    /// <summary>Computes something of a batch whose rows have documents that do not see each other.</summary>
    private Tensor Apart(Tensor ids, Segments? parts, Func<Tensor, Tensor> compute)
    {
        if (parts is null) return compute(ids);
        if (!ReadsNewTokensAlone) throw new ArgumentException(
            $"{GetType().Name}: tokens meet elsewhere than in Attention, so that documents of a row cannot be kept apart.");
        if (parts.First.Shape != ids.Shape)
            throw new ArgumentException($"{GetType().Name}: ids {ids.Shape}, documents {parts.First.Shape}; they must be of one shape.");
        var outer = (segments, firstKeys);
        (segments, firstKeys) = (parts, parts.First);
        try
        {
            return compute(ids);
        }
        finally
        {
            (segments, firstKeys) = outer;
        }
    }

    /// <inheritdoc/>
    protected sealed override Tensor Forward(Tensor x)
    {
        CheckIds(x);
        return Scores(x);
    }

    /// <summary>
    /// What is left to compute of x (B, T, C): all of it, but while new tokens of a cache's rows are read, each row's last, (1, rows, C).
    /// </summary>
    protected static Tensor Last(Tensor x) => Step is { } step ? step.AtLast(x) : x;

    private Tensor ReadNew(KvCache cache, IReadOnlyList<RowTokens> rows)
    {
        using var step = new CacheStep(cache, rows, Device);
        reading.Step = step;
        var scores = Scores(step.Ids); // (1, rows, V), or (1, N, V) from a model without Last
        return (scores.Shape[1] == rows.Count ? scores : step.AtLast(scores)).Reshape((rows.Count, VocabularySize));
    }

    private Tensor ReadAll(KvCache cache, IReadOnlyList<RowTokens> rows)
    {
        var last = new Tensor[rows.Count];
        for (int i = 0; i < last.Length; i++)
        {
            int[] ids = [.. cache.Tokens(rows[i].Row), .. rows[i].Tokens.Span];
            last[i] = Scores(Tensor.From<int>(ids, (1, ids.Length), Device)).Slice(1, ids.Length - 1, 1); // (1, 1, V)
        }

        return Tensor.Concat(0, last).Reshape((rows.Count, VocabularySize));
    }

    /// <summary>Requires ids (B, T), T at most the context.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    private void CheckIds(Tensor ids)
    {
        string name = GetType().Name;
        if (ids.Rank != 2) throw new ArgumentException($"{name}: ids of shape {ids.Shape}; they must be (batch, time).");
        if (ids.Shape[1] > Context && Step is null)
            throw new ArgumentException(
                $"{name}: {ids.Shape[1]} tokens exceed the context of {Context}; "
                + $"pass the last {Context} or make a model with a longer one.");
    }
}
