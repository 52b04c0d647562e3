namespace TrainGpt;

/// <summary>
/// What a step of a run takes of a device's memory and of its time: the step itself is made, with the run's own model, rules and mode, on a
/// device that counts only.
/// </summary>
internal sealed record StepPlan
{
    /// <summary>
    /// What the process has beside tensors: the runtime with its compiled code, and packing memory of the kernels. Measured on Linux.
    /// </summary>
    public const long RuntimeBytes = 88L << 20;

    /// <summary>Steps after which the blocks that were taken from the system are enough for all that follow.</summary>
    public const int FirstSteps = 3;

    /// <summary>The most bytes in use at one time, and when.</summary>
    public required ArenaPeak Peak { get; init; }

    /// <summary>The arena's books after the step; its peaks are those of the step.</summary>
    public required MemoryReport Report { get; init; }

    /// <summary>What was handed out and taken back.</summary>
    public required ArenaTrace Trace { get; init; }

    /// <summary>The arena of the device that counts, for what it has learned of the run's phases.</summary>
    public required Arena Arena { get; init; }

    /// <summary>The additions and multiplications of the step.</summary>
    public required double Flops { get; init; }

    /// <summary>The number of weights.</summary>
    public required long Weights { get; init; }

    /// <summary>Weights and state by role and rule.</summary>
    public required IReadOnlyList<StateLine> State { get; init; }

    /// <summary>The bytes of the process's resident memory that the run is expected to reach.</summary>
    public long Resident => Blocks + RuntimeBytes;

    /// <summary>The bytes of the blocks that hold tensors; where <c>--resident</c> is too little, of those in use at one time.</summary>
    public required long Blocks { get; init; }

    /// <summary>What lives in a working file, and what a step reads and writes of it; zeros where nothing does.</summary>
    public required (long Bytes, long Read, long Written) Streamed { get; init; }

    /// <summary>What a process sends in a step of the gradients that all sum, and what it sends or receives of divided weights.</summary>
    public required (long Gradients, long Weights) Wire { get; init; }

    /// <summary>What a worker writes at each meeting of <c>--sync-folder</c>; 0 where it has none.</summary>
    public required long Changes { get; init; }

    /// <summary>Whether weights and state live in a working file.</summary>
    public bool IsStreamed => Streamed.Bytes > 0;

    /// <summary>What there is without activations and work space: weights, state and the most of gradients.</summary>
    public long BeforeActivations =>
        Streamed.Bytes + Report.Peak(Use.Weight) + Report.Peak(Use.State) + Report.Peak(Use.Gradient);

    /// <summary>Makes the step; where the bound on the memory of a streamed one has no room for it, with the least that has.</summary>
    /// <param name="options">The settings of the run.</param>
    /// <param name="shape">The shape of its model.</param>
    public static StepPlan Of(TrainOptions options, ModelConfig shape)
    {
        if (options.ResidentBytes is not { } most) return Of(options, shape, null);
        try
        {
            return Of(options, shape, most - RuntimeBytes);
        }
        catch (OutOfMemoryException)
        {
            var least = Of(options, shape, 0);
            return least with { Blocks = least.Report.PeakBytes };
        }
    }

    private static StepPlan Of(TrainOptions options, ModelConfig shape, long? bound)
    {
        using var device = Device.CreateDry(isAsynchronous: options.Device is not (CommandOptions.Cpu or "ilgpu-cpu"));
        if (bound is { } most) device.Stream("", most);
        using var exchange = options.Ranks > 1 ? new DataParallel(new PlannedRanks(options.OwnRank, options.Ranks)) : null;
        Shards(options, shape)?.Use(device, null);
        using var model = shape.Create(device, options.Seed);
        FineTuning.Apply(options, model);
        using var updater = Trainer.NewUpdater(options.Used(), model, exchange);
        using var clip = Trainer.NewClip(options, model);
        var backend = (DryBackend)device.Backend;
        WarmUp();
        device.Arena.ResetPeaks();
        using var trace = device.Arena.StartTrace();
        var (read, written) = Moved(device);
        long moved = ShardPlan.MovedBytes(device);
        Step();
        trace.Dispose();
        moved = ShardPlan.MovedBytes(device) - moved;
        (read, written) = (Moved(device).Read - read, Moved(device).Written - written);
        backend.CountsFlops = false; // but in the first step
        long reserved = 0; // the blocks of a step may fit the next one less well, which then takes more
        for (int i = 1; i < FirstSteps && reserved != device.Arena.Report.ReservedBytes; i++)
        {
            reserved = device.Arena.Report.ReservedBytes;
            Step();
        }

        return new StepPlan
        {
            Peak = trace.Peak(),
            Report = device.Arena.Report,
            Blocks = device.Arena.Report.TouchedBytes,
            Wire = (Summed(options, model), moved * options.Accumulate / Math.Min(options.Accumulate, 2)),
            Changes = options.SyncFolder is null ? 0 : Diloco.Prepare(updater),
            Streamed = (device.Residency?.StreamedBytes ?? 0, read, written),
            Trace = trace,
            Flops = backend.Flops,
            Weights = model.ParameterCount,
            Arena = device.Arena,
            State = [.. StateLine.Of(updater)],
        };

        // those between the first micro-batch and the last take the same memory
        void Step() => updater.Step(Math.Min(options.Accumulate, 3), _ => Loss(model, options.OwnBatch));

        // a run looks at its weights before the first step; and of that the order is not known in which it uses what lives in a file
        void WarmUp()
        {
            backend.CountsFlops = false;
            if (bound is not null) Step();
            else Evaluate(SoundnessCheck.Phase, model, options.Batch);
            if (bound is null) Evaluate(Evaluator.Phase, model, EvaluatedRows(options, model.Context));
            backend.CountsFlops = true;
        }
    }

    /// <summary>Who has which weights, where they are divided among processes; else null.</summary>
    /// <param name="options">The settings of the run.</param>
    /// <param name="shape">The shape of its model.</param>
    public static ShardPlan? Shards(TrainOptions options, ModelConfig shape)
    {
        return options.IsDivided ? ShardPlan.Of(options.OwnRank, options.Ranks, Make) : null;

        IDisposable Make(Device device)
        {
            var model = shape.Create(device, options.Seed);
            FineTuning.Apply(options, model);
            Trainer.NewUpdater(options.Used(), model); // its state counts
            return model;
        }
    }

    /// <summary>
    /// A rank sends all parts but its own, then its part's sum to all others; of divided weights the gradient to who has it, once.
    /// </summary>
    private static long Summed(TrainOptions options, LanguageModel model)
    {
        long bytes = model.Parameters().Where(p => p.Trainable).Sum(p => p.Shape.Count * sizeof(float));
        int passes = options.NormClipping == ClipMode.TwoPass && options is { IsEager: true, Accumulate: 1 } ? 2 : 1;
        return (options.Shard ? 1 : 2) * passes * bytes / options.Ranks * (options.Ranks - 1);
    }

    private static (long Read, long Written) Moved(Device device) =>
        device.Residency is { } residency ? (residency.ReadBytes, residency.WrittenBytes) : default;

    /// <summary>A step of a run in its own mode and in the other one.</summary>
    /// <param name="options">The settings of the run.</param>
    /// <param name="shape">The shape of its model.</param>
    /// <param name="step">A step that was made; null plans it.</param>
    public static MemoryTimeline Timeline(TrainOptions options, ModelConfig shape, ArenaTrace? step) => new()
    {
        Courses = [.. from mode in Enum.GetValues<UpdateMode>()
                      let trace = mode == options.Mode && step is not null ? step : Of(PlanSearch.WithMode(options, mode), shape).Trace
                      select new MemoryCourse(SettingText.Write(mode), trace)],
    };

    /// <summary>A batch without gradients, as those who measure a loss take it.</summary>
    private static void Evaluate(string name, LanguageModel model, int rows)
    {
        using var phase = model.Device.Arena.Phase(name);
        using var scope = model.Device.Scope(name);
        model.Eval();
        Loss(model, rows);
        model.Train();
    }

    private static int EvaluatedRows(TrainOptions options, int context)
    {
        long tokens = options.Used().EvaluateTokens!.Value;
        return tokens == 0 ? options.Batch : Evaluator.Rows((int)Math.Clamp(tokens / context, 1, int.MaxValue), options.Batch);
    }

    private static Tensor Loss(LanguageModel model, int batch)
    {
        Tensor ids = Ids(), targets = Ids(); // (B, T)
        return model.Loss(ids, targets, total: ids.Count);

        Tensor Ids() => Tensor.Empty(model.Device, (batch, model.Context), DType.I32, Use.Activation, "From");
    }
}

/// <summary>The parameters of a role that one rule trains.</summary>
/// <param name="Role">The role.</param>
/// <param name="Rule">The rule's name.</param>
/// <param name="Weights">Their bytes.</param>
/// <param name="Bytes">The bytes of their state.</param>
internal sealed record StateLine(Role Role, string Rule, long Weights, long Bytes)
{
    /// <summary>All of an updater.</summary>
    public static IEnumerable<StateLine> Of(Updater updater) =>
        from trained in updater.Assignments.Zip(updater.States, (assignment, state) => (assignment, state.Bytes))
        group trained by (trained.assignment.Parameter.Role, trained.assignment.Rule.Name) into alike
        select new StateLine(alike.Key.Role, alike.Key.Name, alike.Sum(t => t.assignment.Parameter.Value.Bytes), alike.Sum(t => t.Bytes));
}
