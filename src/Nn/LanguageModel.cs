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
