namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Cross-entropy, logits (..., V), targets I32 (...) -> (): the sum over counted rows of log sum exp(logits) - logits[target], divided
    /// by <paramref name="total"/>; with label smoothing (Szegedy et al. 2016) and a z-loss (Chowdhery et al. 2022) where asked for.
    /// </summary>
    /// <remarks>
    /// Backward: dlogits = dy (softmax(logits) - onehot(target)) / total in counted rows, else 0. No probabilities are stored, only two
    /// numbers a row, its largest logit and log sum exp(logits - largest): what is added to a row changes neither loss nor gradient.
    /// The gradient overwrites the logits where nobody else holds them. Ignored rows get a gradient of zero and add nothing to the loss,
    /// whatever their logits are; PyTorch passes a NaN of theirs on to the gradient.
    /// </remarks>
    /// <param name="logits">Scores.</param>
    /// <param name="targets">Ids in [0, V), or <paramref name="ignoreIndex"/> for rows that do not count.</param>
    /// <param name="ignoreIndex">The id of rows that do not count.</param>
    /// <param name="total">
    /// What the sum is divided by; by default the number of counted targets. With micro-batches: the counted targets of the whole step, so
    /// that k micro-batches equal one batch k times as large. The loss is then a share: those of the micro-batches add up to the step's.
    /// </param>
    /// <param name="smoothing">
    /// The share of each target that is spread evenly over all V: (1 - smoothing) of the loss of the target and smoothing of the mean loss
    /// of all ids.
    /// </param>
    /// <param name="zLoss">The factor of (log sum exp(logits))^2, added for each counted row, which keeps the logits near zero.</param>
    /// <exception cref="ArgumentException">
    /// The shapes do not fit, no target counts and no total is given, smoothing is outside [0, 1], or zLoss is negative.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A target is outside [0, V).</exception>
    public static Tensor CrossEntropy(
        this Tensor logits, Tensor targets, int ignoreIndex = -1, double? total = null, double smoothing = 0, double zLoss = 0)
    {
        if (smoothing != 0 || zLoss != 0) return Regularised(logits, targets, ignoreIndex, total, smoothing, zLoss);
        var call = Op.Begin("CrossEntropy", logits, targets);
        call.CheckFloat(logits);
        double divisor = Divisor(call, logits.Shape, targets, ignoreIndex, total);
        Tensor dense = call.Dense(logits), ids = call.Dense(targets);
        using var stats = call.New((targets.Count, 2));
        using var losses = call.Scratch(targets.Count);
        call.Backend.Run(new CrossEntropy(call.Read(dense).Rows(), FlatIds(call.Read(ids)), ignoreIndex, call.Write(stats),
            call.Write(losses)));
        TargetHits.Current?.Note(losses, stats, ids, ignoreIndex);
        var y = call.New(default);
        call.Backend.Fold(new Total(divisor), call.Read(losses), call.Write(y).With(Layout.RowMajor(1)), add: false);
        if (!call.Records) return y;
        if (total is not null) Tape.Current!.Run.HasShares = true;
        return call.Push(y, new CrossEntropyNode(call.Save(dense), call.Save(ids), call.Save(stats), ignoreIndex, divisor));
    }

    /// <summary>The loss from ops: of the target, of all ids alike, and of the log-sum-exp.</summary>
    private static Tensor Regularised(Tensor logits, Tensor targets, int ignoreIndex, double? total, double smoothing, double zLoss)
    {
        var call = Op.Begin("CrossEntropy", logits, targets);
        if (!(smoothing is >= 0 and <= 1 && zLoss >= 0))
            throw call.Error($"smoothing {smoothing} and zLoss {zLoss}: the first is within [0, 1], the second not negative.");
        double divisor = Divisor(call, logits.Shape, targets, ignoreIndex, total);
        Tensor none = Tensor.Zeros(default, call.Device), counts = Tensor.From<float>(
            Array.ConvertAll(targets.ToArray<int>(), id => id == ignoreIndex ? 0f : 1f), targets.Shape, call.Device);
        var logs = counts.Unsqueeze(-1).Where(logits, none).LogSoftmax(); // (..., V)
        var rows = -smoothing * logs.Mean([-1]);
        if (zLoss > 0) rows += zLoss * Square(logits.Slice(-1, 0, 1).Squeeze(-1) - logs.Slice(-1, 0, 1).Squeeze(-1)); // log sum exp
        var rest = counts.Where(rows, none).Sum() / divisor;
        return (1 - smoothing) * logits.CrossEntropy(targets, ignoreIndex, total) + rest;

        static Tensor Square(Tensor x) => x * x;
    }

    /// <summary>What the sum of the losses is divided by; checks the targets.</summary>
    private static double Divisor(Op call, Shape logits, Tensor targets, int ignoreIndex, double? total)
    {
        if (logits.Rank == 0 || targets.Shape != logits.Take(logits.Rank - 1))
            throw call.Error($"logits {logits}, targets {targets.Shape}: targets have the logits' shape without the last axis.");
        long counted = Ids.Check(call, targets, logits[-1], ignoreIndex);
        double divisor = total ?? counted;
        if ((float)divisor > 0) return divisor;
        throw call.Error($"all {targets.Count} targets are the ignored id {ignoreIndex}; give a total, or skip the batch.");
    }

    private static View FlatIds(in View ids) => ids.With(ids.Layout.TryReshape(ids.Count)!.Value);

    private sealed class CrossEntropyNode(Saved logits, Saved targets, Saved stats, int ignoreIndex, double divisor) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            using var share = sweep.Scratch(1);
            var dy = Read(sweep.Dy).With(Layout.RowMajor(1) with { Offset = sweep.Dy.Layout.Offset });
            sweep.Backend.Map(new DivideBy(divisor), dy, Write(share));
            var scores = Get(logits);
            if (logits.IsSole)
            {
                Differentiate(sweep, scores, share, new Target(scores, false));
                sweep.GiveDy(0, scores);
                return;
            }

            Differentiate(sweep, scores, share, sweep.Target(0));
        }

        private void Differentiate(Sweep sweep, Tensor scores, Tensor share, Target target) => sweep.Backend.Run(new CrossEntropyBack(
            Read(scores).Rows(), FlatIds(Read(targets)), ignoreIndex, Read(stats), Read(share), Write(target).Rows(), target.Add));
    }
}
