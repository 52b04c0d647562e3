namespace Mayfly;

/// <summary>
/// Records the ops of one forward pass on this thread and sweeps them backwards once. A parameter's gradient is handed to the sink the
/// moment the sweep has passed the parameter's first use; gradients and saved tensors are freed as the sweep goes. The tape is also the
/// scope of what the forward pass makes.
/// </summary>
public sealed partial class Tape : IDisposable, IMaker
{
    [ThreadStatic] private static Tape? current;
    [ThreadStatic] private static int paused;

    private readonly Tape? outer;
    private readonly Scope? scope;
    private readonly TapeRun run;
    private readonly RandomState random;
    private TapeBooks books = Spare<TapeBooks>.Rent();
    private bool swept, disposed;

    private Tape(Device device, RandomState random, Tape? outer, TapeRun? run)
    {
        Device = device;
        this.random = random;
        this.outer = outer;
        this.run = run ?? Spare<TapeRun>.Rent();
        if (run is null) scope = device.Scope("tape");
    }

    /// <summary>The device whose ops it records.</summary>
    public Device Device { get; }

    /// <summary>The number of records.</summary>
    public int Count => books.Nodes.Count;

    /// <summary>
    /// True where a cross-entropy on it was given a total: its loss is then a share of a larger one, and losses of several tapes add up.
    /// </summary>
    public bool HasShares => run.HasShares;

    /// <summary>
    /// Said by who records several tapes for one step: the gradients of parameters are added to those of the others. Ops that would find
    /// such a gradient in the forward pass then leave it to the sweep, which adds it to the sum without another tensor of its size.
    /// </summary>
    public bool Accumulates
    {
        get => run.Accumulates;
        set => run.Accumulates = value;
    }

    /// <summary>The tape that records on this thread, or null.</summary>
    internal static Tape? Current => current;

    /// <summary>What part of a step an op's forward is.</summary>
    internal static StepPhase PhaseOf(Tape? tape) =>
        tape is null ? StepPhase.Other : tape.outer is null ? StepPhase.Forward : StepPhase.Recompute;

    internal TapeBooks Books => books;

    internal List<Node> Nodes => books.Nodes;

    internal List<Shape> Slots => books.Slots;

    internal Tensor?[] Gradients => books.Gradients;

    internal TapeRun Run => run;

    /// <summary>Starts recording on this thread.</summary>
    /// <param name="device">The device; null means <see cref="Device.Cpu"/>.</param>
    /// <param name="random">What random ops are keyed by.</param>
    /// <exception cref="InvalidOperationException">A tape already records on this thread.</exception>
    public static Tape Record(Device? device = null, RandomState random = default)
    {
        if (current is not null) throw new InvalidOperationException("Tape: a tape already records on this thread; dispose it first.");
        return current = new Tape(device ?? Device.Cpu, random, null, null);
    }

    /// <summary>Stops recording on this thread until the result is disposed.</summary>
    public static Pause NoGrad() => new(true);

    /// <summary>
    /// Makes the tape keep the gradient of a tensor that is not a parameter; read it with <see cref="GradientOf"/> after the sweep.
    /// </summary>
    /// <exception cref="InvalidOperationException">The tensor was made by a tape, or belongs to a parameter.</exception>
    public Tensor Watch(Tensor x)
    {
        if (x.Maker is not null)
            throw new InvalidOperationException($"Watch: the tensor {x.Shape} is already recorded or a parameter's; watch a plain tensor.");
        Place(x);
        return x;
    }

    /// <summary>The gradient of a watched tensor after the sweep (owned by the tape), or null where none reached it.</summary>
    public Tensor? GradientOf(Tensor x) => swept && x.Maker == this && x.Slot < books.Gradients.Length ? books.Gradients[x.Slot] : null;

    /// <summary>Sweeps the tape and drops the gradients; for watched tensors.</summary>
    public void Backward(Tensor loss) => Backward(loss, static (Parameter _, ref Gradient _) => { });

    /// <summary>Sweeps the tape; <paramref name="hook"/> gets each parameter's gradient when it is complete.</summary>
    public void Backward(Tensor loss, GradientHook hook) => Backward(loss, new HookSink(hook));

    /// <summary>
    /// Sweeps the tape from <paramref name="loss"/>; <paramref name="sink"/> gets each parameter's gradient when it is complete.
    /// </summary>
    /// <exception cref="InvalidOperationException">The tape was swept before, or <paramref name="loss"/> is not on it.</exception>
    /// <exception cref="ArgumentException">The loss has more than one element.</exception>
    public void Backward(Tensor loss, IGradientSink sink)
    {
        CheckLoss(loss);
        StartSweep();
        var seed = books.Gradients[loss.Slot] = Tensor.Unowned(Device, loss.Shape, loss.Type, Use.Activation, "Backward");
        Device.Backend.Fill(seed.Write("Backward"), 1);
        new Sweep(this, sink, owned: null).Go();
    }

    /// <summary>
    /// Stops recording and frees everything the tape holds and the tensors made since <see cref="Record(Device?, RandomState)"/> that were
    /// not kept.
    /// </summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        if (current == this) current = outer;
        books.FreeSaved(0);
        foreach (var gradient in books.Gradients) gradient?.Dispose();
        if (outer is null) run.Close();
        scope?.Dispose();
        books.Clear();
        Spare<TapeBooks>.Return(books);
        books = TapeBooks.Closed;
    }

    internal void StartSweep()
    {
        swept = true;
        books.MakeGradients();
    }

    internal static Tape? Swap(Tape? tape)
    {
        var before = current;
        current = tape;
        return before;
    }

    internal static int SwapPaused(int value)
    {
        int before = paused;
        paused = value;
        return before;
    }

    /// <summary>Notes what an op reads; true where a record is wanted.</summary>
    internal bool Reads(string name, ReadOnlySpan<Tensor> inputs)
    {
        run.Trace(name, inputs);
        bool needs = Needs(name, inputs);
        if (paused > 0 || !needs) return false;
        if (run.Touching is null) return true;
        run.Touching.NeedsGradient = true;
        return false;
    }

    private void CheckLoss(Tensor loss)
    {
        loss.Check("Backward");
        if (swept)
            throw new InvalidOperationException(
                "Backward: this tape was already swept; a tape is swept once. Record a new one for the next step.");
        if (current != this) throw new InvalidOperationException("Backward: the tape does not record on this thread.");
        if (loss.Count != 1)
            throw new ArgumentException($"Backward: the loss has shape {loss.Shape}; reduce it to one element, with Mean or Sum.");
        if (loss.Maker == this) return;
        throw new InvalidOperationException(
            "Backward: no trainable parameter or watched tensor led to this loss, or it was computed under NoGrad or on another tape.");
    }

    private bool Needs(string name, ReadOnlySpan<Tensor> inputs)
    {
        bool needs = false;
        foreach (var x in inputs)
        {
            if (x.Maker is Parameter parameter)
            {
                run.Touching?.Parameters.Add(parameter);
                needs |= parameter.Trainable;
            }
            else if (x.Maker is Tape maker)
            {
                CheckMaker(name, x, maker);
                needs = true;
            }
        }

        return needs;
    }

    internal Saved Save(Tensor tensor) => books.Save(tensor);

    internal void Push(Node node, Tensor y)
    {
        node.FirstSlot = books.Slots.Count;
        Place(y);
        Push(node);
        books.NoteResult(node, y);
    }

    internal void Push(Node node)
    {
        if (swept) throw new InvalidOperationException($"{node.Name}: recorded after the tape was swept; record a new tape.");
        node.NoteReads(this);
        books.Add(node);
    }

    /// <summary>Notes that the record about to be pushed reads a parameter.</summary>
    internal void NoteRead(Parameter parameter)
    {
        if (parameter.Trainable) books.NoteUse(parameter);
    }

    internal void Place(Tensor y)
    {
        y.Maker = this;
        y.Slot = books.Slots.Count;
        books.Slots.Add(y.Shape);
        books.Results.Add(null);
    }

    internal RandomKey NextKey() => random.Key(run.Ordinal++);

    internal Tape Inner() => new(Device, random, this, run);

    private void CheckMaker(string name, Tensor x, Tape maker)
    {
        if (run.Touching is null && maker == this) return;
        if (run.Touching is not null || maker == outer || outer is not null)
            throw new InvalidOperationException(
                $"{name}: a checkpointed segment reads the tensor {x.Shape} made outside it by {x.Storage.Op}, "
                + "which needs a gradient; pass it to Checkpoint as an input.");
        throw new InvalidOperationException(
            $"{name}: the tensor {x.Shape} was made on another tape, by {x.Storage.Op}; detach it or record both on one tape.");
    }

    /// <summary>Stops recording while it lives.</summary>
    public readonly struct Pause : IDisposable
    {
        private readonly bool active;

        internal Pause(bool active)
        {
            this.active = active;
            paused++;
        }

        /// <summary>Goes on recording.</summary>
        public void Dispose()
        {
            if (active) paused--;
        }
    }
}

/// <summary>
/// What a tape and the inner tapes of its checkpointed segments share: parameter gradients, the ordinal of random ops, the segment trace.
/// </summary>
internal sealed class TapeRun
{
    /// <summary>The parameters that have fired.</summary>
    public HashSet<Parameter> Fired { get; } = [];

    /// <summary>Gradients of parameters that have not fired.</summary>
    public Dictionary<Parameter, ParameterGradient> Gradients { get; } = [];

    /// <summary>The number of random ops called so far.</summary>
    public int Ordinal { get; set; }

    /// <summary>Whether an op recorded a share of a loss.</summary>
    public bool HasShares { get; set; }

    /// <summary>Whether the gradients of parameters are added to what others brought.</summary>
    public bool Accumulates { get; set; }

    /// <summary>The segment whose forward runs without records, or null.</summary>
    public SegmentTrace? Touching { get; set; }

    /// <summary>The innermost segment whose ops are being listed.</summary>
    public SegmentTrace? Tracing { get; set; }

    public void Trace(string name, ReadOnlySpan<Tensor> inputs)
    {
        for (var trace = Tracing; trace is not null; trace = trace.Outer) trace.Add(name, inputs);
    }

    /// <summary>Frees the gradients nobody took and empties everything for the next run.</summary>
    public void Close()
    {
        foreach (var (_, gradient) in Gradients)
            if (!gradient.FromSink) gradient.Value.Dispose();
        Gradients.Clear();
        Fired.Clear();
        (Ordinal, HasShares, Accumulates) = (0, false, false);
        (Touching, Tracing) = (null, null);
        Spare<TapeRun>.Return(this);
    }
}

internal readonly record struct ParameterGradient(Tensor Value, bool FromSink);
