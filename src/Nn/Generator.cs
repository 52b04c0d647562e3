namespace Mayfly;

/// <summary>A token that was generated.</summary>
/// <param name="Row">The number of its prompt.</param>
/// <param name="Position">The number of tokens before it in its row, those of the prompt included.</param>
/// <param name="Id">The token.</param>
public readonly record struct GeneratedToken(int Row, int Position, int Id);

/// <summary>
/// Continues a batch of prompts of any lengths, one token a row and step, each given the last <see cref="LanguageModel.Context"/> tokens of
/// its row. Keys and values are kept, so that a step costs one token a row; once a row has filled the context its window moves with each
/// token and is read anew. The same model, prompts and sampling give the same tokens.
/// </summary>
public sealed class Generator : IDisposable
{
    private readonly LanguageModel model;
    private readonly KvCache cache;
    private readonly Sampler sampler;
    private readonly List<int>[] rows;
    private readonly List<int> live;
    private readonly List<RowTokens> next = [];
    private readonly List<GeneratedToken> made = [];
    private float[] scores = [];

    /// <summary>Makes room for <paramref name="count"/> more tokens of each prompt.</summary>
    /// <param name="model">The model; dropout is off while it is asked.</param>
    /// <param name="prompts">What to continue, each of at least one id.</param>
    /// <param name="count">The most tokens to make for each.</param>
    /// <param name="sampling">How they are chosen.</param>
    /// <exception cref="ArgumentException">There is no prompt or an empty one, or the sampling is impossible.</exception>
    public Generator(LanguageModel model, IReadOnlyList<IReadOnlyList<int>> prompts, int count, Sampling sampling)
    {
        Check(prompts, count, sampling);
        this.model = model;
        rows = [.. prompts.Select(p => new List<int>(p))];
        live = [.. Enumerable.Range(0, count > 0 ? rows.Length : 0)];
        Left = count;
        sampler = new Sampler(sampling, model.VocabularySize);
        cache = model.NewCache(rows.Length, (int)Math.Min(model.Context, (long)rows.Max(r => r.Count) + count));
    }

    /// <summary>The number of steps left.</summary>
    public int Left { get; private set; }

    /// <summary>True where every row was stopped or has its tokens.</summary>
    public bool IsDone => live.Count == 0;

    /// <summary>The tokens of a row, its prompt first.</summary>
    public IReadOnlyList<int> Tokens(int row) => rows[row];

    /// <summary>Makes no more tokens for a row.</summary>
    public void Stop(int row) => live.Remove(row);

    /// <summary>Makes a token for each live row, in their order. The list is overwritten by the next step.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A prompt has an id outside [0, V).</exception>
    /// <exception cref="ArithmeticException">A score is infinite or not a number: the model's weights are.</exception>
    public IReadOnlyList<GeneratedToken> Step()
    {
        made.Clear();
        if (IsDone) return made;
        ReadScores();
        for (int i = 0; i < live.Count; i++)
        {
            var row = rows[live[i]];
            var token = new GeneratedToken(live[i], row.Count, sampler.Choose(ScoresOf(i), row, live[i]));
            row.Add(token.Id);
            made.Add(token);
        }

        if (--Left == 0) live.Clear();
        return made;
    }

    /// <summary>Frees the keys and values.</summary>
    public void Dispose() => cache.Dispose();

    internal static void Check(IReadOnlyList<IReadOnlyList<int>> prompts, int count, Sampling sampling)
    {
        sampling.Check();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (prompts.Count == 0) throw new ArgumentException("Generate: no prompts; give at least one.", nameof(prompts));
        if (prompts.Any(p => p.Count == 0))
            throw new ArgumentException("Generate: the prompt is empty; give at least one token.", nameof(prompts));
    }

    private void ReadScores()
    {
        next.Clear();
        foreach (int row in live) next.Add(new RowTokens(row, Unread(row)));
        using var result = model.Extend(cache, next); // (rows, V)
        if (scores.Length != result.Count) scores = new float[result.Count];
        result.CopyTo<float>(scores);
    }

    private ReadOnlySpan<float> ScoresOf(int liveRow) => scores.AsSpan(liveRow * model.VocabularySize, model.VocabularySize);

    /// <summary>The tokens that the cache lacks, at most the last context of them; a row that would not fit is read anew.</summary>
    private ReadOnlyMemory<int> Unread(int row)
    {
        var tokens = rows[row];
        if (tokens.Count > model.Context) cache.Truncate(row, 0);
        int known = cache.Length(row), first = Math.Max(known, tokens.Count - model.Context);
        return tokens[first..].ToArray();
    }
}
