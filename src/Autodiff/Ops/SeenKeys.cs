namespace Mayfly;

/// <summary>An <see cref="AttentionMask"/> that fits a call, as the kernel of attention takes it.</summary>
/// <param name="Mask">What it says without tensors.</param>
/// <param name="First">I32 (B, T), dense, or null.</param>
/// <param name="Lengths">I32 (B), dense, or null.</param>
/// <param name="Bias">Dense, of a shape that broadcasts to (B, H, T, S), or null.</param>
internal readonly record struct SeenKeys(AttentionMask Mask, Tensor? First, Tensor? Lengths, Tensor? Bias)
{
    /// <summary>Checks a mask for scores (B, H, T, S).</summary>
    /// <exception cref="ArgumentException">It does not fit.</exception>
    public static SeenKeys Of(Op call, AttentionMask mask, Shape scores)
    {
        if (mask.Window < 0) throw call.Error($"a window of {mask.Window} positions; it is positive, or 0 for none.");
        CheckIds(call, mask.First, (scores[0], scores[2]), "first", "first keys are I32 (B, T)");
        CheckIds(call, mask.Lengths, scores[0], "lengths", "lengths are I32 (B)");
        CheckScores(call, mask.Sees, scores, "sees");
        CheckScores(call, mask.Bias, scores, "bias");
        if (mask.Bias is { } bias && call.NeedsGradient(bias))
            throw call.Error($"bias {bias.Shape} needs a gradient, which attention does not give it; pass bias.Detach().");
        return new(mask, call.Dense(mask.First), call.Dense(mask.Lengths), call.Dense(BiasOf(call, mask)));
    }

    /// <summary>A call with a mask.</summary>
    public static Attend Masked(in Attend call, AttentionMask mask, View first, View lengths, View bias)
    {
        Shape q = call.Q.Shape, scores = (q[0], q[2], q[1], call.K.Shape[1]); // (B, H, T, S)
        if (!bias.IsAbsent) bias = bias.To(scores);
        if (!bias.IsAbsent) bias = bias.With(bias.Layout.Transpose(1, 2));
        return call with { Causal = mask.Causal, Window = mask.Window, First = first, Lengths = lengths, Bias = bias };
    }

    /// <summary>The call with this mask.</summary>
    public Attend On(Op op, in Attend call) => Masked(call, Mask, op.Read(First), op.Read(Lengths), op.Read(Bias));

    /// <summary>Holds what backward reads.</summary>
    public SavedKeys Save(Op call) => new(Mask, Save(call, First), Save(call, Lengths), Save(call, Bias));

    private static Saved Save(Op call, Tensor? x) => x is null ? default : call.Save(x);

    /// <summary>What is added to the scores, conditions included.</summary>
    private static Tensor? BiasOf(Op call, AttentionMask mask)
    {
        if (mask.Sees is not { } sees) return mask.Bias;
        Shape shape = mask.Bias is null ? sees.Shape : Layout.Broadcast(sees.Shape, mask.Bias.Shape)!.Value;
        var sum = call.New(shape);
        call.Backend.Map(new HideWhereZero(), call.Read(sees).To(shape), call.Write(sum));
        if (mask.Bias is { } bias) call.Backend.Map2(new Add(), call.Read(sum), call.Read(bias).To(shape), call.Write(sum));
        return sum;
    }

    private static void CheckIds(Op call, Tensor? ids, Shape shape, string name, string rule)
    {
        if (ids is not null && (ids.Type != DType.I32 || ids.Shape != shape))
            throw call.Error($"{name} {ids.Shape} of {ids.Type}: {rule}, here {shape}.");
    }

    private static void CheckScores(Op call, Tensor? x, Shape scores, string name)
    {
        if (x is null) return;
        call.CheckFloat(x);
        if (x.Rank == 0 || x.Shape[-1] != scores[3] || x.Layout.TryBroadcast(scores) is null)
            throw call.Error($"{name} {x.Shape} does not broadcast to the scores (B, H, T, S) = {scores}; its last axis is of size S.");
    }
}

/// <summary>What a record of attention holds of its mask.</summary>
internal readonly record struct SavedKeys(AttentionMask Mask, Saved First, Saved Lengths, Saved Bias);
