namespace Mayfly;

/// <summary>
/// Trains parameters: takes each gradient from the backward sweep and has it applied by the rule that the route assigns, inside the sweep or after it.
/// <code>
/// var report = updater.Step(() => model.Loss(batch));        // one call
///
/// updater.Begin();                                           // the long form
/// using (var tape = Tape.Record(device, updater.Random)) updater.Backward(tape, model.Loss(batch));
/// var report = updater.End();
/// </code>
/// A step that fails before a weight has moved leaves everything as it was: the global step goes back by one and the step can be repeated. A step
/// that fails later leaves the model <see cref="Torn"/>. One thread at a time may use an updater.
/// </summary>
public sealed partial class Updater : IGradientSink, IDisposable
{
    private readonly Slot[] slots;
    private readonly Dictionary<Parameter, Slot> slotOf = [];
    private readonly UpdaterOptions options;

    /// <summary>Routes the parameters, numbers them, and makes the state of those that are trainable.</summary>
    /// <param name="parameters">All parameters of the model, each once, on one device.</param>
    /// <param name="route">Which rule for which parameter.</param>
    /// <param name="options">Seed, schedule, accumulation, clipping.</param>
    /// <exception cref="ArgumentException">
    /// No parameters; two of one name; one without a route; several devices; or clipping by the global norm where a parameter is stepped eagerly and
    /// no <see cref="ClipMode"/> for it is chosen; or <see cref="UpdaterOptions.ReadEvery"/> below 1.
    /// </exception>
    public Updater(IReadOnlyList<Parameter> parameters, Route route, UpdaterOptions? options = null)
    {
        this.options = options ?? new UpdaterOptions();
        if (parameters.Count == 0) throw new ArgumentException("Updater: there are no parameters to train.");
        Device = parameters[0].Value.Device;
        slots = route.Resolve(parameters).Select(a => new Slot(a, Device)).ToArray();
        CheckDevices();
        CheckClipping();
        if (this.options.ReadEvery < 1) throw new ArgumentException($"Updater: ReadEvery is {this.options.ReadEvery}; read every step (1) or every so-manieth.");
        State = ClipState();
        foreach (var slot in slots) slotOf.Add(slot.Parameter, slot);
        States = Array.ConvertAll(slots, s => s.State);
        InitTrainable();
    }

    /// <summary>The device of the parameters.</summary>
    public Device Device { get; }

    /// <summary>The number of steps done; during a step, that step's number. Set when a snapshot is loaded.</summary>
    public long GlobalStep { get; set; }

    /// <summary>
    /// True after a failure in the middle of a step that had already moved weights: they are partly old, partly new. No step is made until a
    /// snapshot is loaded.
    /// </summary>
    public bool Torn { get; private set; }

    /// <summary>True from <see cref="Begin"/> to the end of the step: weights and states belong to two steps.</summary>
    public bool InStep => open;

    /// <summary>The optimizer states in the order of the parameters. Those of frozen parameters are empty.</summary>
    public IReadOnlyList<RuleState> States { get; }

    /// <summary>The parameters with their rules, in order.</summary>
    public IEnumerable<Assignment> Assignments => slots.Select(s => s.Assignment);

    /// <summary>The bytes of all states, as the arena counts them.</summary>
    public long StateBytes => slots.Sum(s => s.State.Bytes);

    /// <summary>What the tape of the current micro-batch keys its random ops by.</summary>
    public RandomState Random => new(options.Seed, GlobalStep, microBatch);

    /// <summary>Says that weights and states were loaded from a snapshot, so that training can go on.</summary>
    public void MarkRestored() => Torn = false;

    /// <summary>The parameters, how each is trained, and what its state costs, as a table.</summary>
    public string Describe() => RouteTable.Format(slots, options);

    /// <summary>The same with one line for all parameters of a role that are trained alike.</summary>
    public string Summary() => RouteTable.Summary(slots, options);

    /// <summary>Frees the states and what an unfinished step kept.</summary>
    public void Dispose()
    {
        Abandon();
        foreach (var slot in slots) slot.State.Dispose();
    }

    private void CheckDevices()
    {
        foreach (var slot in slots)
            if (slot.Parameter.Value.Device != Device)
                throw new ArgumentException(
                    $"Updater: {slot.Parameter.Name} is on {slot.Parameter.Value.Device.Name}, {slots[0].Parameter.Name} on {Device.Name}; "
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

    /// <summary>A parameter in training.</summary>
    internal sealed class Slot(Assignment assignment, Device device)
    {
        private bool initialised;

        public Assignment Assignment { get; set; } = assignment;

        public Parameter Parameter => Assignment.Parameter;

        public UpdateMode Mode => Assignment.Mode;

        public RuleState State { get; } = new(device);

        /// <summary>The gradient kept between micro-batches or until the end of the step.</summary>
        public Tensor? Gradient { get; set; }

        /// <summary>The squared norm of this step's complete gradient; null until it is complete.</summary>
        public double? Squares { get; set; }

        /// <summary>True once the step's last sweep has gone past the parameter.</summary>
        public bool IsWhole { get; set; }

        public void Init()
        {
            if (initialised) return;
            initialised = true;
            Assignment.Rule.Init(Parameter, State);
        }

        public void DropGradient()
        {
            Gradient?.Dispose();
            Gradient = null;
        }
    }
}
