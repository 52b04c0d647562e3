using System.Globalization;

namespace TrainGpt;

/// <summary>
/// What a step of a run takes of a device's memory: a step is made on a device that counts only, so that weights, gradients, state and
/// activations are those of the model, the optimizer and the mode.
/// </summary>
/// <param name="Peak">The most bytes in use at one time.</param>
/// <param name="Reserved">The bytes taken from the system, blocks that wait for use among them.</param>
/// <param name="Weights">The bytes of the weights.</param>
/// <param name="Gradients">The most bytes of gradients at one time.</param>
/// <param name="State">The bytes of optimizer state.</param>
/// <param name="Activations">The most bytes of activations and work space at one time, those of ops and those of rules.</param>
internal sealed record MemoryPlan(long Peak, long Reserved, long Weights, long Gradients, long State, long Activations)
{
    /// <summary>Refuses a run that needs more memory than there is, before its model is made.</summary>
    /// <param name="options">The settings, as used.</param>
    /// <param name="shape">The model's.</param>
    /// <returns>What it needs, in one line.</returns>
    /// <exception cref="InputException">There is less; the message says what would do.</exception>
    public static string Check(TrainOptions options, ModelConfig shape)
    {
        var plan = Of(options, shape);
        if (!IsHost(options.Device)) return $"Memory: {plan}.";
        long has = GC.GetGCMemoryInfo().HighMemoryLoadThresholdBytes, needed = plan.Reserved + GC.GetTotalMemory(false);
        if (needed <= has) return $"Memory: {plan}; there are {RunClock.Size(has)}.";
        throw new InputException($"Training takes {plan}; with its data, and blocks kept for use again, {RunClock.Size(needed)}, of which "
            + $"there are {RunClock.Size(has)}; {Less(options, shape, has - (needed - plan.Reserved))}.");
    }

    /// <summary>What a step takes.</summary>
    public static MemoryPlan Of(TrainOptions options, ModelConfig shape)
    {
        options = options with { Accumulate = Math.Min(options.Accumulate, 2) }; // each further micro-batch takes the same memory
        using var device = new Device(new DryBackend());
        using var model = shape.Create(device, options.Seed);
        using var updater = Trainer.NewUpdater(options, model);
        device.Arena.ResetPeaks();
        updater.Step(options.Accumulate, _ => Loss(model, options.Batch));
        var report = device.Arena.Report;
        return new MemoryPlan(report.PeakBytes, report.ReservedBytes, report.Peak(Use.Weight), report.Peak(Use.Gradient),
            report.Peak(Use.State), report.Peak(Use.Activation) + report.Peak(Use.Scratch));
    }

    /// <summary>The peak and its parts; the parts have their peaks at different times.</summary>
    public override string ToString() => $"{RunClock.Size(Peak)} at the peak of a step: weights {RunClock.Size(Weights)}, "
        + $"gradients {RunClock.Size(Gradients)}, state {RunClock.Size(State)}, activations {RunClock.Size(Activations)}";

    /// <summary>True where the memory is the host's, of which this process knows how much there is.</summary>
    private static bool IsHost(string device) => device is CommandOptions.Cpu or "ilgpu-cpu";

    private static Tensor Loss(LanguageModel model, int batch)
    {
        int[] ids = new int[batch * model.Context];
        Tensor Ids() => Tensor.From<int>(ids, (batch, model.Context), model.Device);
        return model.Loss(Ids(), Ids(), total: ids.Length);
    }

    /// <summary>The ways to less memory that would do, each with what it takes.</summary>
    private static string Less(TrainOptions options, ModelConfig shape, long has)
    {
        var ways = Ways(options, shape).Select(way => (way.Words, Of(way.Options, way.Shape).Reserved)).Where(way => way.Reserved <= has);
        string[] found = [.. ways.Select(way => $"{way.Words} ({RunClock.Size(way.Reserved)})").Take(3)];
        return found.Length > 0 ? $"it fits with {string.Join(", or ", found)}" : "choose a smaller model";
    }

    private static IEnumerable<(string Words, TrainOptions Options, ModelConfig Shape)> Ways(TrainOptions options, ModelConfig shape)
    {
        var eager = options with { Mode = UpdateMode.Eager, Clip = 0, ClipMode = null };
        var checkpointed = shape with { CheckpointBlocks = true };
        if (!options.IsEager) yield return ("--mode eager --clip 0", eager, shape);
        if (!shape.CheckpointBlocks) yield return ("--checkpoint-blocks", options, checkpointed);
        for (int parts = 2; parts < options.Batch; parts *= 2)
            if (options.Batch % parts == 0) yield return (Batch(options, parts), With(options, parts), shape);
        if (options.Batch > 1) yield return (Batch(options, options.Batch), With(options, options.Batch), shape);
        yield return ("--checkpoint-blocks --batch 1 --mode eager --clip 0", eager with { Batch = 1, Accumulate = 1 }, checkpointed);
    }

    private static TrainOptions With(TrainOptions options, int parts) =>
        options with { Batch = options.Batch / parts, Accumulate = options.Accumulate * parts };

    private static string Batch(TrainOptions options, int parts) => string.Create(CultureInfo.InvariantCulture,
        $"--batch {options.Batch / parts} --accumulate {options.Accumulate * parts}");
}
