namespace Mayfly;

/// <summary>
/// Cross-entropy of logits against target ids: loss = sum over counted rows of (log sum exp(logits) - logits[target]) / total. No probabilities are
/// stored, only one number a row; backward overwrites the logits with their gradient where nobody else holds them.
/// </summary>
public static class CrossEntropyOp
{
    /// <summary>logits (..., V), targets I32 (...) -> ().</summary>
    /// <param name="logits">Scores.</param>
    /// <param name="targets">Ids in [0, V), or <paramref name="ignoreIndex"/> for rows that do not count.</param>
    /// <param name="ignoreIndex">The id of rows that do not count.</param>
    /// <param name="total">
    /// What the sum is divided by; by default the number of counted targets. With micro-batches: the counted targets of the whole step, so that k
    /// micro-batches equal one batch k times as large.
    /// </param>
    /// <exception cref="ArgumentException">The shapes do not fit, or no target counts and no total is given.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target is outside [0, V).</exception>
    public static Tensor CrossEntropy(this Tensor logits, Tensor targets, int ignoreIndex = -1, double? total = null)
    {
        const string name = "CrossEntropy";
        var op = Op.Begin(name, logits, targets);
        op.CheckFloat(logits);
        if (logits.Rank == 0 || targets.Shape != logits.Shape.Take(logits.Rank - 1))
            throw op.Error($"logits {logits.Shape} and targets {targets.Shape}: targets have the shape of the logits without the last axis.");
        long counted = Ids.Check(name, targets, logits.Shape[-1], ignoreIndex);
        float divisor = (float)(total ?? counted);
        if (!(divisor > 0)) throw op.Error($"all {targets.Count} targets are the ignored id {ignoreIndex}; give a total, or skip the batch.");
        Tensor dense = logits.Dense(name), ids = targets.Dense(name);
        using var lse = Tensor.Unowned(op.Device, targets.Count, op.Device.Float, Use.Activation, name);
        using var losses = Tensor.Unowned(op.Device, targets.Count, op.Device.Float, Use.Scratch, name);
        op.Backend.Run(new CrossEntropy(dense.Read(name).Rows(), Flat(ids), ignoreIndex, lse.Write(name), losses.Write(name)));
        var y = op.New(default);
        op.Backend.Fold(new Total(divisor), losses.Read(name), y.Write(name).With(Layout.RowMajor(1)), add: false);
        return op.Records ? op.Push(y, new CrossEntropyNode(op.Save(dense), op.Save(ids), op.Save(lse), ignoreIndex, divisor)) : y;
    }

    private static View Flat(Tensor ids) => ids.Read("CrossEntropy").With(ids.Layout.TryReshape(ids.Count)!.Value);

    private sealed class CrossEntropyNode(Saved logits, Saved targets, Saved lse, int ignoreIndex, float divisor) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            using var share = sweep.Scratch(1);
            sweep.Backend.Map(new DivideBy(divisor), sweep.Dy.Read(Op).With(Layout.RowMajor(1) with { Offset = sweep.Dy.Layout.Offset }), share.Write(Op));
            var scores = logits.Get(Op);
            if (logits.IsSole)
            {
                Run(sweep, scores, share, new Target(scores, false));
                sweep.GiveDy(0, scores);
                return;
            }

            Run(sweep, scores, share, sweep.Target(0));
        }

        protected internal override void Release()
        {
            logits.Release();
            targets.Release();
            lse.Release();
        }

        private void Run(Sweep sweep, Tensor scores, Tensor share, Target target) => sweep.Backend.Run(new CrossEntropyBack(
            scores.Read(Op).Rows(), Flat(targets.Get(Op)), ignoreIndex, lse.Get(Op).Read(Op), share.Read(Op), target.View(Op).Rows(), target.Add));
    }
}
