namespace Mayfly;

/// <summary>A model that scores the next token of a sequence. Training, evaluation and generation take any.</summary>
public abstract class LanguageModel : Module
{
    /// <summary>The shape.</summary>
    public abstract ModelConfig Config { get; }

    /// <summary>V, the number of tokens.</summary>
    public int VocabularySize => Config.VocabularySize;

    /// <summary>The longest sequence, in tokens.</summary>
    public int Context => Config.Context;

    /// <summary>The scores of every next token: ids I32 (B, T) -> (B, T, V).</summary>
    /// <exception cref="ArgumentException">ids are not (B, T), or T exceeds the context.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Logits(Tensor ids) => Call(ids);

    /// <summary>The mean cross-entropy in nats of the targets.</summary>
    /// <param name="ids">I32 (B, T).</param>
    /// <param name="targets">I32 (B, T); -1 does not count.</param>
    /// <param name="total">What the sum is divided by; null means the number of targets that count.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside [0, V).</exception>
    public Tensor Loss(Tensor ids, Tensor targets, double? total = null)
    {
        using var scope = Open(ids);
        return scope.Return(Logits(ids).CrossEntropy(targets, total: total));
    }

    /// <summary>Makes room for the keys and values of sequences under generation.</summary>
    /// <param name="rows">The number of sequences.</param>
    /// <param name="capacity">The most tokens of one; 0 takes the context.</param>
    /// <exception cref="ArgumentException">No rows, or a capacity beyond the context.</exception>
    public KvCache NewCache(int rows, int capacity = 0) => new(Config, Device, rows, capacity == 0 ? Context : capacity);

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
        using var still = Tape.NoGrad();
        using var scope = Device.Scope("Extend");
        var step = new CacheStep(cache, rows, Device);
        step.Rotation = RotationAt(step.Positions);
        var scores = Forward(step).Reshape((rows.Count, VocabularySize));
        step.Commit();
        return scope.Return(scores);
    }

    /// <summary>The scores after each row's last new token: (1, rows, V).</summary>
    private protected abstract Tensor Forward(CacheStep step);

    /// <summary>How queries and keys turn at each of some positions; null where they do not.</summary>
    /// <param name="positions">I32 (1, N).</param>
    private protected virtual Rotation? RotationAt(Tensor positions) => null;

    /// <summary>Requires ids (B, T), T at most the context.</summary>
    /// <exception cref="ArgumentException">They are not.</exception>
    private protected void CheckIds(Tensor ids)
    {
        string name = GetType().Name;
        if (ids.Rank != 2) throw new ArgumentException($"{name}: ids of shape {ids.Shape}; they must be (batch, time).");
        if (ids.Shape[1] > Context)
            throw new ArgumentException($"{name}: {ids.Shape[1]} tokens exceed the context of {Context}; pass the last {Context} or make a model with a longer one.");
    }

    /// <summary>One block, recomputed by backward where the configuration says so; its input goes at once, unless the tape saved it.</summary>
    private protected Tensor Run(Module block, Tensor h)
    {
        using var input = h;
        return Config.CheckpointBlocks ? Tape.Checkpoint(block.Call, h) : block.Call(h);
    }
}
