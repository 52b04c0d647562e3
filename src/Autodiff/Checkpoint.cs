namespace Mayfly;

/// <summary>The ops a segment ran, each with its input shapes and parameters, and the parameters it read.</summary>
internal sealed class SegmentTrace(SegmentTrace? outer)
{
    private readonly List<(string Name, int Hash)> ops = [];

    public SegmentTrace? Outer { get; } = outer;

    public HashSet<Parameter> Parameters { get; } = [];

    public bool NeedsGradient { get; set; }

    public void Add(string name, ReadOnlySpan<Tensor> inputs)
    {
        var hash = default(HashCode);
        foreach (var x in inputs)
        {
            hash.Add(x.Shape);
            hash.Add(x.Maker as Parameter);
        }

        ops.Add((name, hash.ToHashCode()));
    }

    /// <exception cref="InvalidOperationException">The traces differ; the message names the first difference.</exception>
    public void CheckSame(SegmentTrace first)
    {
        int common = Math.Min(ops.Count, first.ops.Count);
        for (int i = 0; i < common; i++)
        {
            string was = first.ops[i].Name, now = ops[i].Name;
            if (ops[i] != first.ops[i]) throw Difference(i, was, now == was ? $"{now} with other shapes or parameters" : now);
        }

        if (ops.Count != first.ops.Count) throw Difference(common, first.At(common), At(common));
    }

    private string At(int i) => i < ops.Count ? ops[i].Name : "the end";

    private static InvalidOperationException Difference(int index, string was, string now) => new(
        $"Checkpoint: the recomputed segment differs from its first run at op {index}: first {was}, now {now}. "
        + "A segment must do the same each time it runs: no outside state, no random numbers but the tape's.");
}

public sealed partial class Tape
{
    /// <summary>
    /// Runs <paramref name="segment"/> without keeping its intermediate results; backward runs it again. Without a recording tape it just
    /// runs.
    /// </summary>
    public static Tensor Checkpoint(Func<Tensor, Tensor> segment, Tensor x) => Checkpoint(xs => [segment(xs[0])], x)[0];

    /// <summary>
    /// Runs <paramref name="segment"/> without keeping its intermediate results; backward runs it again on an inner tape, which fires the
    /// parameters that only this segment reads. Segments nest. Every tensor of the outside that needs a gradient is passed as an input.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The segment reads an outside tensor that needs a gradient, or does something else when run again.
    /// </exception>
    public static Tensor[] Checkpoint(Func<Tensor[], Tensor[]> segment, params Tensor[] inputs)
    {
        var tape = current;
        foreach (var x in inputs) x.Check("Checkpoint");
        if (tape is null || paused > 0 || tape.run.Touching is not null) return segment(inputs);
        return tape.RecordSegment(segment, inputs);
    }

    private Tensor[] RecordSegment(Func<Tensor[], Tensor[]> segment, Tensor[] inputs)
    {
        var trace = new SegmentTrace(run.Tracing);
        int ordinal = run.Ordinal;
        Needs("Checkpoint", inputs);
        var outputs = RunSegment(segment, inputs, trace);
        if (!trace.NeedsGradient) return outputs;
        var node = new CheckpointNode(this, segment, inputs, trace, ordinal);
        node.Attach("Checkpoint", Input.Of(inputs));
        node.FirstSlot = books.Slots.Count;
        node.SlotCount = outputs.Length;
        foreach (var y in outputs) Place(y);
        Push(node);
        return outputs;
    }

    /// <summary>
    /// Runs the forward without records. Inputs are passed as plain views, so whatever else carries a tape place was captured.
    /// </summary>
    private Tensor[] RunSegment(Func<Tensor[], Tensor[]> segment, Tensor[] inputs, SegmentTrace trace)
    {
        using var inside = Device.Scope("Checkpoint");
        run.Tracing = trace;
        run.Touching = trace;
        try
        {
            var outputs = segment(Array.ConvertAll(inputs, x => PlainView(x, trace)));
            return Array.ConvertAll(outputs, y => inside.Return(y.Maker is null && y.Owner == inside ? y : y.ViewAs("Checkpoint")));
        }
        finally
        {
            run.Tracing = trace.Outer;
            run.Touching = null;
        }
    }

    private static Tensor PlainView(Tensor x, SegmentTrace trace)
    {
        var view = x.ViewAs("Checkpoint");
        if (x.Maker is Parameter parameter)
        {
            trace.Parameters.Add(parameter);
            view.Maker = parameter;
        }
        else if (x.Maker is Tape)
        {
            trace.NeedsGradient = true;
        }

        return view;
    }

    /// <summary>A record of a whole segment.</summary>
    private sealed class CheckpointNode(Tape tape, Func<Tensor[], Tensor[]> segment, Tensor[] inputs, SegmentTrace trace, int ordinal)
        : Node
    {
        private readonly Saved[] saved = Array.ConvertAll(inputs, tape.Save);

        internal override void NoteReads(Tape tape)
        {
            foreach (var parameter in trace.Parameters) tape.NoteRead(parameter);
        }

        internal override bool TakesUpstreamItself => true;

        protected internal override void Backward(Sweep sweep)
        {
            var run = tape.run;
            int ordinalAfter = run.Ordinal;
            run.Ordinal = ordinal;
            using var inside = tape.Device.Scope("Checkpoint (recompute)");
            using var inner = tape.Inner();
            Swap(inner);
            try
            {
                Recompute(sweep, inner);
            }
            finally
            {
                Swap(null);
                run.Tracing = null;
                run.Ordinal = ordinalAfter;
            }
        }

        private void Recompute(Sweep sweep, Tape inner)
        {
            var again = new SegmentTrace(null);
            inner.run.Tracing = again;
            var xs = WatchInputs(sweep, inner);
            var ys = segment(xs);
            again.CheckSame(trace);
            inner.run.Tracing = null;
            inner.StartSweep();
            bool reached = false;
            for (int i = 0; i < ys.Length; i++) reached |= inner.Seed(ys[i], sweep.TakeUpstream(i));
            if (!reached) return;
            new Sweep(inner, sweep.Sink, Owned(sweep)).Go();
            for (int i = 0; i < xs.Length; i++) Hand(sweep, inner, xs[i], i);
        }

        /// <summary>What the inner sweep may fire: the parameters whose first use is this record and that its own sweep may fire.</summary>
        private HashSet<Parameter> Owned(Sweep sweep)
        {
            var owned = new HashSet<Parameter>();
            foreach (var use in sweep.FirstUses())
                if (sweep.Owns(use.Parameter)) owned.Add(use.Parameter);
            return owned;
        }

        private Tensor[] WatchInputs(Sweep sweep, Tape inner)
        {
            var xs = new Tensor[saved.Length];
            for (int i = 0; i < xs.Length; i++)
            {
                var x = Get(saved[i]);
                xs[i] = x.ViewAs("Checkpoint");
                if (Inputs[i].Parameter is { } parameter) xs[i].Maker = parameter;
                else if (sweep.Needs(i)) inner.Watch(xs[i]);
            }

            return xs;
        }

        private static void Hand(Sweep sweep, Tape inner, Tensor x, int i)
        {
            if (x.Maker == inner && inner.Gradients[x.Slot] is { } gradient) sweep.GiveDy(i, gradient);
        }
    }

    /// <summary>Lays an upstream gradient on one of this tape's values; true where it found a place. Takes the gradient over.</summary>
    private bool Seed(Tensor y, Tensor? gradient)
    {
        if (gradient is null) return false;
        if (y.Maker != this)
        {
            gradient.Dispose();
            return false;
        }

        if (books.Gradients[y.Slot] is { } there)
        {
            var sum = Tensor.Unowned(Device, y.Shape, there.Type, Use.Activation, "Checkpoint");
            Device.Backend.Copy(there.Read("Checkpoint"), sum.Write("Checkpoint"));
            Device.Backend.Copy(gradient.Read("Checkpoint"), sum.Write("Checkpoint"), add: true);
            there.Dispose();
            gradient.Dispose();
            books.Gradients[y.Slot] = sum;
            return true;
        }

        books.Gradients[y.Slot] = gradient;
        return true;
    }
}
