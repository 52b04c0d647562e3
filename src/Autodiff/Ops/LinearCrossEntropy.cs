namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>Logits that are made at one time unless said otherwise: 32 MiB of them.</summary>
    private const long LogitsAtOnce = 1 << 23;

    /// <summary>Rows below which the product that makes a weight's gradient would go through it more often than it does anyhow.</summary>
    private const long LeastRows = 256;

    /// <summary>
    /// Cross-entropy of the scores of a linear layer without bias, x W^T: x (..., C), weight W (V, C), targets I32 (...) -> (): what
    /// <see cref="CrossEntropy"/> gives for <c>x.Linear(weight)</c>, but the logits are made for some rows at a time and never whole.
    /// </summary>
    /// <remarks>
    /// Backward: dx = dy p W and dW = dy p^T x with p = (softmax(x W^T) - onehot(target)) / total in counted rows, else 0. Both are found
    /// together with the loss, while the logits are there, so that nothing is computed twice; they are kept in the place of x and the
    /// logits. Where all logits are made at one time, or the step adds up gradients of several micro-batches, whose sum is there already,
    /// it is the two ops.
    /// </remarks>
    /// <param name="x">What the layer reads.</param>
    /// <param name="weight">Its weight.</param>
    /// <param name="targets">Ids in [0, V), or <paramref name="ignoreIndex"/> for rows that do not count.</param>
    /// <param name="ignoreIndex">The id of rows that do not count.</param>
    /// <param name="total">What the sum is divided by; by default the number of counted targets. See <see cref="CrossEntropy"/>.</param>
    /// <param name="rows">The most rows whose logits are made at one time; 0 takes as many as have 32 MiB, or 256.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or no target counts and no total is given.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target is outside [0, V), or the rows are negative.</exception>
    public static Tensor LinearCrossEntropy(
        this Tensor x, Tensor weight, Tensor targets, int ignoreIndex = -1, double? total = null, long rows = 0)
    {
        if (rows < 0) throw new ArgumentOutOfRangeException(nameof(rows), $"LinearCrossEntropy: {rows} rows at one time; 0 chooses.");
        if (IsMadeWhole(x, weight, rows)) return x.Linear(weight).CrossEntropy(targets, ignoreIndex, total);
        var call = Op.Begin("LinearCrossEntropy", x, weight, targets);
        call.CheckFloat(x);
        call.CheckNumbers(weight);
        CheckLinear(call, x.Shape, weight.Shape, null, null);
        double divisor = Divisor(call, x.Shape.With(x.Rank - 1, weight.Shape[0]), targets, ignoreIndex, total);
        using var losses = call.Scratch(targets.Count);
        using var dx = call.NeedsGradient(x) ? call.New(x.Shape) : null;
        using var dw = call.NeedsGradient(weight) ? call.NewGradient(weight) : null;
        var rowsOf = new HeadRows(call, x, weight, targets, ignoreIndex, divisor, losses, dx, dw);
        long parts = (targets.Count + RowsAtOnce(weight, rows) - 1) / RowsAtOnce(weight, rows), share = (targets.Count + parts - 1) / parts;
        for (long first = 0; first < targets.Count; first += share) rowsOf.Run(first, Math.Min(share, targets.Count - first));
        var y = call.New(default);
        call.Backend.Fold(new Total(divisor), call.Read(losses), call.Write(y).With(Layout.RowMajor(1)), add: false);
        if (!call.Records) return y;
        if (total is not null) Tape.Current!.Run.HasShares = true;
        return call.Push(y, new LinearCrossEntropyNode(dx is null ? default : call.Save(dx), dw is null ? default : call.Save(dw)));
    }

    private static bool IsMadeWhole(Tensor x, Tensor weight, long rows) =>
        weight.Rank != 2 || x.Rank == 0 || x.Count <= RowsAtOnce(weight, rows) * x.Shape[-1] || Tape.Current is { Run.Accumulates: true };

    private static long RowsAtOnce(Tensor weight, long rows) =>
        rows > 0 ? rows : Math.Max(LeastRows, LogitsAtOnce / Math.Max(1, weight.Shape[0]) / LeastRows * LeastRows);

    /// <summary>The pass over the logits: of some rows at a time their losses and, where they are wanted, the gradients by them.</summary>
    private readonly ref struct HeadRows
    {
        private readonly Op call;
        private readonly View x, weight, targets, losses, dx, dw;
        private readonly Tensor lossesOf, targetsOf;
        private readonly int ignoreIndex;
        private readonly double divisor;

        public HeadRows(
            Op call, Tensor x, Tensor weight, Tensor targets, int ignoreIndex, double divisor, Tensor losses, Tensor? dx, Tensor? dw)
        {
            this.call = call;
            this.x = call.Read(call.Dense(x)).Rows();
            this.weight = call.Read(IsMatrix(weight) ? weight : call.Dense(weight));
            this.targets = FlatIds(call.Read(call.Dense(targets)));
            this.losses = call.Write(losses);
            (lossesOf, targetsOf) = (losses, targets);
            this.dx = dx is null ? default : call.Write(dx).Rows();
            this.dw = dw is null ? default : call.Write(dw);
            (this.ignoreIndex, this.divisor) = (ignoreIndex, divisor);
        }

        public void Run(long first, long count)
        {
            using var logits = call.Scratch((count, weight.Shape[0]));
            using var stats = call.Scratch((count, 2));
            View scores = call.Write(logits), ids = Part(targets, first, count), part = Part(x, first, count);
            call.Backend.Run(new Gemm<Identity> { A = part, B = weight.Transposed(), C = scores });
            call.Backend.Run(new CrossEntropy(scores, ids, ignoreIndex, call.Write(stats), Part(losses, first, count)));
            TargetHits.Current?.Note(lossesOf, stats, targetsOf, ignoreIndex, first);
            if (dx.IsAbsent && dw.IsAbsent) return;
            using var share = call.Scratch(1);
            call.Backend.Fill(call.Write(share), 1);
            call.Backend.Map(new DivideBy(divisor), call.Read(share), call.Write(share));
            call.Backend.Run(new CrossEntropyBack(scores, ids, ignoreIndex, call.Read(stats), call.Read(share), scores));
            if (!dx.IsAbsent) call.Backend.Run(new Gemm<Identity> { A = scores, B = weight, C = Part(dx, first, count) });
            if (dw.IsAbsent) return;
            call.Backend.Run(new Gemm<Identity> { A = scores.Transposed(), B = part, C = dw, Beta = first > 0 ? 1f : 0f });
        }

        private static View Part(in View all, long first, long count) => all.With(all.Layout.Slice(0, first, count));
    }

    private sealed class LinearCrossEntropyNode(Saved dx, Saved dw) : Node
    {
        protected internal override void Backward(Sweep sweep)
        {
            bool asTheyAre = !sweep.Backend.IsAsynchronous && !sweep.Backend.IsDry && sweep.Dy.Item() == 1;
            Hand(sweep, 0, dx, asTheyAre);
            Hand(sweep, 1, dw, asTheyAre);
        }

        private void Hand(Sweep sweep, int i, Saved kept, bool asItIs)
        {
            if (!kept.IsPresent) return;
            var gradient = Get(kept);
            if (!asItIs) sweep.Backend.Map2(new Multiply(), Read(gradient), Read(sweep.Dy).To(gradient.Shape), Write(gradient));
            sweep.HandOver(i, gradient);
        }
    }
}
