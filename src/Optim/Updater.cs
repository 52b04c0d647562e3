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
    private readonly Slot[] slots;
    private readonly Dictionary<Parameter, Slot> slotOf = [];
    private readonly UpdaterOptions options;
    private readonly Clipping clipping;
    private readonly Progress progress;
    private readonly Schedule schedule;

    /// <summary>Routes the parameters, numbers them, and makes the state of those that are trainable.</summary>
    /// <param name="parameters">All parameters of the model, each once, on one device.</param>
    /// <param name="route">Which rule for which parameter.</param>
    /// <param name="options">Seed, schedule, accumulation, clipping.</param>
    /// <exception cref="ArgumentException">
    /// No parameters; two of one name; one without a route; several devices; or clipping by the global norm where a parameter is stepped
    /// eagerly and no <see cref="ClipMode"/> for it is chosen; or <see cref="UpdaterOptions.ReadEvery"/> below 1.
    /// </exception>
    public Updater(IReadOnlyList<Parameter> parameters, Route route, UpdaterOptions? options = null)
    {
        this.options = options ??= new UpdaterOptions();
        progress = new Progress(options);
        schedule = options.Schedule ?? route.LearningRate;
        if (parameters.Count == 0) throw new ArgumentException("Updater: there are no parameters to train.");
        Device = parameters[0].Value.Device;
        slots = route.Resolve(parameters).Select(a => new Slot(a, Device)).ToArray();
        CheckDevices();
        clipping = new Clipping(options, slots, Device);
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
    /// before the first step, and <c>growthNorm</c> with <see cref="UpdaterOptions.Growth"/>, below zero before it. Snapshots save and
    /// restore it.
    /// </summary>
    public RuleState State => clipping.State;

    /// <summary>The parameters with their rules, in order.</summary>
    public IEnumerable<Assignment> Assignments => slots.Select(s => s.Assignment);

    /// <summary>The bytes of all states, as the arena counts them.</summary>
    public long StateBytes => slots.Sum(s => s.State.Bytes);

    /// <summary>What the tape of the current micro-batch keys its random ops by.</summary>
    public RandomState Random => new(options.Seed, GlobalStep, progress.MicroBatch);

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

    /// <summary>A parameter in training: its rule, its state, and the gradient of the step at hand.</summary>
    internal sealed class Slot(Assignment assignment, Device device)
    {
        private bool initialised;

        public Assignment Assignment { get; set; } = assignment;

        public Parameter Parameter => Assignment.Parameter;

        public UpdateMode Mode => Assignment.Mode;

        public RuleState State { get; } = new(device);

        /// <summary>The gradient kept between micro-batches or until the end of the step; null once it has been used.</summary>
        public Tensor? Gradient { get; private set; }

        /// <summary>The squared norm of this step's complete gradient; null until it is measured.</summary>
        public double? Squares { get; private set; }

        /// <summary>True once the pass's last sweep has gone past the parameter and its gradient is complete.</summary>
        public bool IsWhole { get; private set; }

        /// <summary>True where a gradient waits to be measured.</summary>
        public bool IsUnmeasured => Gradient is not null && Squares is null;

        public void Init()
        {
            if (initialised) return;
            initialised = true;
            Assignment.Rule.Init(Parameter, State);
        }

        public void StartStep() => (Squares, IsWhole) = (null, false);

        /// <summary>Keeps a gradient the sweep made; one that was added to the kept one is there already.</summary>
        public void Take(ref Gradient gradient, bool isLast)
        {
            if (gradient.Value is not null && gradient.Value != Gradient) (Gradient, gradient) = (gradient.Value, default);
            IsWhole = isLast && Gradient is not null;
        }

        /// <summary>Makes a gradient of zeros where none came and the rule steps without one.</summary>
        public void TakeZero()
        {
            if (Gradient is not null || Squares is not null || !Parameter.Trainable || !Assignment.Rule.StepsWithoutGradient) return;
            Gradient = Tensor.Unowned(State.Device, Parameter.Shape, State.Device.Float, Use.Gradient, Parameter.Name);
            Gradient.Fill(0);
        }

        /// <summary>Notes the squared norm, and so finds infinities and NaN before they reach a weight.</summary>
        public void Note(double squares, Progress progress)
        {
            if (!double.IsFinite(squares)) throw progress.NonFinite($"the gradient of {Parameter} has an infinity or NaN");
            Squares = squares;
        }

        /// <summary>Steps the parameter; the gradient is used up.</summary>
        public void Apply(in StepInfo step)
        {
            var draws = new RoundingDraws(Parameter, State, step);
            try
            {
                Assignment.Rule.Apply(Parameter, Gradient!, State, step);
            }
            finally
            {
                draws.End();
            }

            DropGradient();
        }

        public void DropGradient()
        {
            Gradient?.Dispose();
            Gradient = null;
        }
    }
}
