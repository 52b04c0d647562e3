namespace Mayfly;

/// <summary>
/// Trains parameters: takes each gradient from the backward sweep and has it applied by the rule that the route assigns, inside the sweep
/// or after it.
/// <code>
/// var report = updater.Step(() => model.Loss(batch));        // one call
///
/// updater.Begin();                                           // the long form
/// using (var tape = Tape.Record(device, updater.Random)) updater.Backward(tape, model.Loss(batch));
/// var report = updater.End();
/// </code>
/// A step that fails before a weight has moved leaves everything as it was: the global step goes back by one and the step can be repeated.
/// A step that fails later leaves the model <see cref="Torn"/>. One thread at a time may use an updater.
/// </summary>
public sealed partial class Updater : IGradientSink, IDisposable
{
    /// <summary>What takes memory alike each time: a step of one micro-batch, and of several the first, others and last.</summary>
    private static readonly string[] PhaseNames = ["step", "first micro-batch", "micro-batch", "last micro-batch"];

    private readonly Slot[] slots;
    private readonly Dictionary<Parameter, Slot> slotOf = [];
    private readonly UpdaterOptions options;
    private readonly Clipping clipping;
    private readonly Progress progress;
    private readonly Schedule schedule;
    private readonly string[] phases;
    private ArenaPhase phase;

    /// <summary>Routes the parameters, numbers them, and makes the state of those that are trainable.</summary>
    /// <param name="parameters">All parameters of the model, each once, on one device.</param>
    /// <param name="route">Which rule for which parameter.</param>
    /// <param name="options">Seed, schedule, accumulation, clipping.</param>
    /// <exception cref="ArgumentException">
    /// No parameters; two of one name; one without a route; several devices; or clipping by the global norm where a parameter is stepped
    /// eagerly and no <see cref="ClipMode"/> for it is chosen; or <see cref="UpdaterOptions.ReadEvery"/> below 1; or a type that is none of
    /// those allowed; or <see cref="AccumulationMode.Projected"/> with a limit of a norm or on several ranks.
    /// </exception>
    public Updater(IReadOnlyList<Parameter> parameters, Route route, UpdaterOptions? options = null)
    {
        this.options = options ??= new UpdaterOptions();
        schedule = options.Schedule ?? route.LearningRate;
        if (parameters.Count == 0) throw new ArgumentException("Updater: there are no parameters to train.");
        Device = parameters[0].Value.Device;
        progress = new Progress(options, Device.Backend.IsAsynchronous);
        phases = [.. PhaseNames.Select(name => $"{name} of {parameters[0].Name} and {parameters.Count - 1} others")];
        CheckTypes();
        slots = route.Resolve(parameters).Select(a => new Slot(a, Device, options)).ToArray();
        CheckDevices();
        clipping = new Clipping(options, slots, Device);
        CheckLossScale();
        CheckAccumulation();
        if (options.ReadEvery < 1)
            throw new ArgumentException($"Updater: ReadEvery is {options.ReadEvery}; read every step (1) or every n-th.");
        foreach (var slot in slots) slotOf.Add(slot.Parameter, slot);
        States = Array.ConvertAll(slots, s => s.State);
        InitTrainable();
    }

    /// <summary>The device of the parameters.</summary>
    public Device Device { get; }

    /// <summary>The number of steps done; during a step, that step's number. Set when a snapshot is loaded.</summary>
    public long GlobalStep { get => progress.Step; set => progress.Step = value; }

    /// <summary>
    /// True after a failure in the middle of a step that had already moved weights: they are partly old, partly new. No step is made until
    /// a snapshot is loaded.
    /// </summary>
    public bool Torn => progress.IsTorn;

    /// <summary>True from <see cref="Begin"/> to the end of the step: weights and states belong to two steps.</summary>
    public bool InStep => progress.IsOpen;

    /// <summary>The optimizer states in the order of the parameters. Those of frozen parameters are empty.</summary>
    public IReadOnlyList<RuleState> States { get; }

    /// <summary>
    /// What the updater remembers beside the rules' states: the number <c>previousNorm</c> in <see cref="ClipMode.PreviousNorm"/>, zero
    /// before the first step; <c>growthNorm</c> with <see cref="UpdaterOptions.Growth"/>, below zero before it; and four of
    /// <see cref="UpdaterOptions.DynamicLossScale"/>, among them <c>lossScale</c>. Others may add theirs. Snapshots save and restore it.
    /// </summary>
    public RuleState State => clipping.State;

    /// <summary>The parameters with their rules, in order.</summary>
    public IEnumerable<Assignment> Assignments => slots.Select(s => s.Assignment);

    /// <summary>The bytes of all states, as the arena counts them.</summary>
    public long StateBytes => slots.Sum(s => s.State.Bytes);

    /// <summary>What the tape of the current micro-batch keys its random ops by.</summary>
    public RandomState Random => new(options.Seed, GlobalStep, progress.MicroBatch * Ranks + (options.Exchange?.Rank ?? 0));

    /// <summary>What a group of updaters has to know.</summary>
    internal UpdaterOptions Options => options;

    private int Ranks => options.Exchange?.Ranks ?? 1;

    /// <summary>Says that weights and states were loaded from a snapshot, so that training can go on.</summary>
    public void MarkRestored() => progress.MarkRestored();

    /// <summary>The parameters, how each is trained, and what its state costs, as a table.</summary>
    public string Describe() => RouteTable.Format(slots, options);

    /// <summary>The same with one line for all parameters of a role that are trained alike.</summary>
    public string Summary() => RouteTable.Summary(slots, options);

    /// <summary>Frees the states and what an unfinished step kept.</summary>
    public void Dispose()
    {
        Abandon();
        foreach (var slot in slots) slot.State.Dispose();
        State.Dispose();
    }

    private void CheckTypes()
    {
        if (options.StateType is not (DType.F32 or DType.BF16))
            throw new ArgumentException($"Updater: state of type {options.StateType}; choose F32 or BF16.");
        if (options.GradientType is not (DType.F32 or DType.BF16 or DType.F16))
            throw new ArgumentException($"Updater: gradients of type {options.GradientType}; choose F32, BF16 or F16.");
    }

    private void CheckAccumulation()
    {
        if (options.Accumulation == AccumulationMode.Whole) return;
        if (clipping.Mode is not null || options.Growth is not null)
            throw new ArgumentException(
                $"Updater: {nameof(AccumulationMode)}.{options.Accumulation} has no whole gradient whose norm could be limited; "
                + "leave MaxNorm and Growth out.");
        if (Ranks > 1)
            throw new ArgumentException(
                $"Updater: {nameof(AccumulationMode)}.{options.Accumulation} on {Ranks} ranks, each of which would find its own "
                + "projection; choose AccumulationMode.Whole.");
    }

    private void CheckLossScale()
    {
        if (!(options.LossScale > 0 && double.IsFinite(options.LossScale)))
            throw new ArgumentException($"Updater: the loss scale {options.LossScale} is not a positive number.");
        if (options.DynamicLossScale is null) return;
        if (options.LossScale != 1) throw new ArgumentException("Updater: LossScale and DynamicLossScale; leave one out.");
        if (clipping.Mode == ClipMode.TwoPass) return;
        if (Array.Find(slots, s => s.Mode == UpdateMode.Eager) is { } eager)
            throw new ArgumentException(
                $"Updater: a dynamic loss scale leaves steps out, but {eager.Parameter.Name} is stepped eagerly, before all gradients are "
                + "known; choose UpdateMode.Deferred, ClipMode.TwoPass with a MaxNorm, or a constant LossScale.");
    }

    private void CheckDevices()
    {
        if (Array.Find(slots, s => s.Parameter.Value.Device != Device)?.Parameter is not { } other) return;
        throw new ArgumentException(
            $"Updater: {other.Name} is on {other.Value.Device.Name}, {slots[0].Parameter.Name} on {Device.Name}; "
            + "one updater trains one device.");
    }

    private void InitTrainable()
    {
        try
        {
            foreach (var slot in slots)
                if (slot.Parameter.Trainable) slot.Init();
        }
        catch
        {
            Dispose();
            throw;
        }
    }
}
