namespace Mayfly;

/// <summary>
/// Several updaters on one sweep: one loss, of which each steps its own parameters by its own route, schedule and clipping. So two models
/// play against each other, or parts of one are trained by settings that a <see cref="Route"/> does not tell apart.
/// <code>
/// var both = new UpdaterGroup(generator, discriminator);
/// var reports = both.Step(() => loss);                       // one call
///
/// both.Begin();                                              // the long form
/// using (var tape = Tape.Record(both.Device, both.Random)) both.Backward(tape, loss);
/// var reports = both.End();
/// </code>
/// Where a step fails each updater is left as <see cref="Updater"/> says: as it was, or torn if weights of its own had moved.
/// </summary>
public sealed class UpdaterGroup : IGradientSink
{
    private readonly Updater[] updaters;
    private readonly Dictionary<Parameter, Updater> owners = [];

    /// <summary>Groups updaters; they stay the caller's to dispose, and may be used alone between steps.</summary>
    /// <param name="updaters">On one device, of different parameters; random ops are keyed by the first.</param>
    /// <exception cref="ArgumentException">
    /// There are none; two devices; two with one parameter; two with different micro-batches or loss scales; several processes, or a
    /// dynamic loss scale.
    /// </exception>
    public UpdaterGroup(params Updater[] updaters)
    {
        this.updaters = updaters.Length > 0 ? updaters : throw new ArgumentException("UpdaterGroup: there are no updaters.");
        foreach (var updater in updaters) Add(updater);
    }

    /// <summary>The device of the parameters.</summary>
    public Device Device => First.Device;

    /// <summary>What the tape of the current micro-batch keys its random ops by: the first updater's.</summary>
    public RandomState Random => First.Random;

    private Updater First => updaters[0];

    /// <summary>One training step, as <see cref="Updater.Step(Func{Tensor})"/> makes it.</summary>
    /// <param name="loss">Computes the loss, of one element, of the next batch.</param>
    /// <returns>The report of each updater, in their order.</returns>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">
    /// A model is torn; or an updater needs two passes, see <see cref="ClipMode.TwoPass"/>.
    /// </exception>
    public IReadOnlyList<StepReport> Step(Func<Tensor> loss)
    {
        int count = First.Options.Accumulate;
        Begin();
        try
        {
            for (int k = 0; k < count; k++)
            {
                using var tape = Tape.Record(Device, Random);
                tape.Accumulates = count > 1;
                var share = loss();
                Backward(tape, count > 1 && !tape.HasShares ? share / count : share);
            }

            return End();
        }
        finally
        {
            Abandon();
        }
    }

    /// <summary>Starts a step of each, at the rate of its schedule.</summary>
    /// <exception cref="InvalidOperationException">A model is torn, or an updater needs two passes.</exception>
    public void Begin() => Guarded(() =>
    {
        foreach (var updater in updaters) updater.Begin();
        return true;
    });

    /// <summary>Checks the loss, sweeps the tape and goes on to the next micro-batch.</summary>
    /// <exception cref="NonFiniteException">The loss or a gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">
    /// No step was started, or it has had all its micro-batches; or the loss depends on a parameter of none.
    /// </exception>
    public void Backward(Tape tape, Tensor loss) => Guarded(() =>
    {
        foreach (var updater in updaters) updater.Take(loss);
        tape.Backward(First.Scaled(loss), this);
        foreach (var updater in updaters) updater.GoOn();
        return true;
    });

    /// <summary>Ends the step of each.</summary>
    /// <returns>The report of each updater, in their order.</returns>
    /// <exception cref="NonFiniteException">A gradient is infinite or not a number.</exception>
    /// <exception cref="InvalidOperationException">No step was started, or micro-batches are missing.</exception>
    public IReadOnlyList<StepReport> End() => Guarded(() =>
    {
        var reports = new StepReport[updaters.Length];
        for (int i = reports.Length - 1; i >= 0; i--) reports[i] = updaters[i].End(); // the first began the memory's phase
        return reports;
    });

    /// <summary>Drops a step that was started and not ended, of each.</summary>
    public void Abandon()
    {
        for (int i = updaters.Length - 1; i >= 0; i--) updaters[i].Abandon();
    }

    /// <inheritdoc/>
    Tensor? IGradientSink.Accumulator(Parameter parameter) => Of(parameter).Accumulator(parameter);

    /// <inheritdoc/>
    void IGradientSink.Ready(Parameter parameter, ref Gradient gradient) => Of(parameter).Ready(parameter, ref gradient);

    /// <summary>Whose parameter it is; the first one refuses those of nobody.</summary>
    private IGradientSink Of(Parameter parameter) => owners.GetValueOrDefault(parameter, First);

    private T Guarded<T>(Func<T> part)
    {
        try
        {
            return part();
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    private void Add(Updater updater)
    {
        UpdaterOptions options = updater.Options, first = First.Options;
        if (updater.Device != Device)
            throw new ArgumentException($"UpdaterGroup: updaters on {Device.Name} and {updater.Device.Name}; a group has one device.");
        if (options.Exchange is not null || options.DynamicLossScale is not null)
            throw new ArgumentException("UpdaterGroup: an updater of several processes or with a dynamic loss scale steps alone.");
        if ((options.Accumulate, options.LossScale) != (first.Accumulate, first.LossScale))
            throw new ArgumentException(
                $"UpdaterGroup: {options.Accumulate} micro-batches with loss scale {options.LossScale} beside {first.Accumulate} with "
                + $"{first.LossScale}; one sweep has one of each.");
        foreach (var (parameter, _, _, _) in updater.Assignments)
            if (!owners.TryAdd(parameter, updater))
                throw new ArgumentException($"UpdaterGroup: two updaters have {parameter}; give it to one.");
    }
}
