namespace TrainGpt;

/// <summary>A run as it was asked for or with some settings changed, and what a step of it takes.</summary>
internal sealed class PlannedRun(TrainOptions options, ModelConfig shape, TrainOptions asked)
{
    /// <summary>The settings.</summary>
    public TrainOptions Options => options;

    /// <summary>What a step takes; found out when it is asked for.</summary>
    public StepPlan Plan => field ??= StepPlan.Of(options, ModelChoice.Set(options, shape));

    /// <summary>The options that differ from those asked for.</summary>
    public IEnumerable<Declaration> Changed =>
        Declaration.Of<TrainOptions>().Where(option => !Equals(option.Get(options), option.Get(asked)));

    /// <summary>What is changed, as the command line has it.</summary>
    public string Words
    {
        get
        {
            string[] words = [.. Changed.Select(Word).Where(word => word.Length > 0)];
            return words.Length == 0 ? "as asked for" : string.Join(' ', words);
        }
    }

    /// <summary>The command line of the run.</summary>
    /// <param name="given">What was given.</param>
    public string Command(Given given)
    {
        Declaration[] changed = [.. Changed];
        var kept = Declaration.Of<TrainOptions>().Where(option => given.Has(option) || changed.Contains(option));
        return string.Join(' ', kept.Select(Word).Where(word => word.Length > 0).Prepend("mayfly train"));
    }

    private string Word(Declaration option)
    {
        object? value = option.Get(options);
        string text = SettingText.Write(value);
        return value is null or string[] { Length: 0 } ? ""
            : $"--{option.Name} {(text.Contains(' ', StringComparison.Ordinal) ? $"\"{text}\"" : text)}";
    }
}

/// <summary>Other settings of a run, and those among them that fit a memory.</summary>
internal sealed class PlanSearch(TrainOptions asked, ModelConfig shape)
{
    /// <summary>The run as it was asked for.</summary>
    public PlannedRun Asked { get; } = new(asked, shape, asked);

    /// <summary>The run with one of its settings changed that move memory.</summary>
    public IEnumerable<PlannedRun> Alternatives()
    {
        yield return Run(WithMode(asked, asked.IsEager ? UpdateMode.Deferred : UpdateMode.Eager));
        foreach (var policy in (CheckpointPolicy[])[CheckpointPolicy.None, CheckpointPolicy.Every(2), true, CheckpointPolicy.Sqrt])
            if (policy != asked.CheckpointBlocks.Policy) yield return Run(asked with { CheckpointBlocks = policy });
        if (asked.Batch > 1 && (asked.Batch + 1) / 2 >= asked.Ranks) yield return Run(Halved(asked));
        foreach (var stored in Stored(asked)) yield return Run(stored);
        if (asked is { Resident: null, Device: CommandOptions.Cpu, IsDivided: false } && Asked.Plan.Resident > 4 * StepPlan.RuntimeBytes)
            yield return Run(Eager(asked) with { Resident = Mebibytes(Asked.Plan.Resident / 2) });
        foreach (string name in OptimizerChoice.Names)
            if (name != asked.Optimizer) yield return Run(OptimizerChoice.Changed(asked, name));
    }

    /// <summary>
    /// The first that fits of: the run itself; updates inside the sweep; smaller micro-batches; as few recomputed blocks as will do; the
    /// same with fewer bits stored; with rules of ever less state; with both; with weights and state in a file.
    /// </summary>
    /// <exception cref="InputException">None does; the message says what the least would take.</exception>
    public PlannedRun Within(long bytes)
    {
        var least = Asked;
        foreach (var kind in Kinds())
        {
            var ways = Ways(kind).Select(Run).ToArray();
            PlannedRun[] smallest = [.. ways, .. ways.Select(way => Run(way.Options with { CheckpointBlocks = CheckpointPolicy.Sqrt }))];
            least = Least([least, .. smallest]);
            if (least.Plan.Resident > bytes) continue;
            if (Array.Find(ways, way => way.Plan.Resident <= bytes) is { } found) return found;
            foreach (var way in ways)
                if (Checkpointed(way.Options, bytes) is { } recomputed) return recomputed;
        }

        foreach (var streamed in Streamed(bytes))
        {
            least = Least([least, streamed]);
            if (streamed.Plan.Resident <= bytes) return streamed;
        }

        throw new InputException($"Nothing fits in {ByteSize.Text(bytes)}: the least is {ByteSize.Text(least.Plan.Resident)}, with "
            + $"{least.Words}; take a smaller model, --context or --batch.");
    }

    /// <summary>The run itself; where its checkpoints are asked for by bytes, with as few blocks recomputed as will do.</summary>
    /// <exception cref="InputException">No number does.</exception>
    public PlannedRun Resolved()
    {
        if (asked.CheckpointBlocks.Within is not { } bytes) return Asked;
        var none = Run(asked with { CheckpointBlocks = CheckpointPolicy.None });
        if (none.Plan.Resident <= bytes) return none;
        return Checkpointed(asked, bytes) ?? throw new InputException(
            $"--checkpoint-blocks {ByteSize.Text(bytes)}: not even all blocks run again get there; plan --fit looks for more.");
    }

    private PlannedRun? Checkpointed(TrainOptions options, long bytes)
    {
        if (First(options, shape.Layers) is var all && all.Plan.Resident > bytes)
            return Run(options with { CheckpointBlocks = CheckpointPolicy.Sqrt }) is var twice && twice.Plan.Resident <= bytes
                ? twice
                : null;
        var (low, high) = (1, shape.Layers);
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (First(options, middle).Plan.Resident <= bytes) high = middle;
            else low = middle + 1;
        }

        return First(options, low);
    }

    private PlannedRun First(TrainOptions options, int count) =>
        Run(options with { CheckpointBlocks = count == shape.Layers ? CheckpointPolicy.All : CheckpointPolicy.First(count) });

    /// <summary>The settings themselves, with fewer bits, with rules that have less state, the most of it first, and with both.</summary>
    private IEnumerable<TrainOptions> Kinds()
    {
        yield return asked;
        foreach (var stored in Stored(asked)) yield return stored;
        var others = OptimizerChoice.Names.Where(name => name != asked.Optimizer).Select(name => Run(OptimizerChoice.Changed(asked, name)));
        TrainOptions[] rules =
            [.. others.Where(run => State(run) < State(Asked)).OrderByDescending(State).Select(run => run.Options)];
        foreach (var rule in rules) yield return rule;
        foreach (var stored in rules.SelectMany(Stored)) yield return stored;

        static long State(PlannedRun run) => run.Plan.Report.Peak(Use.State);
    }

    /// <summary>Ways that take no more arithmetic.</summary>
    private static IEnumerable<TrainOptions> Ways(TrainOptions options)
    {
        yield return options;
        if (!options.IsEager) yield return Eager(options);
        for (var smaller = options; smaller.Batch / 2 >= smaller.Ranks && smaller.Batch % 2 == 0;)
        {
            smaller = Halved(smaller);
            yield return smaller;
        }
    }

    private static string Mebibytes(long bytes) => $"{Math.Max(1, (bytes - 1) >> 20) + 1}MiB";

    /// <summary>With weights and state in a working file, and the least in memory beside it.</summary>
    private IEnumerable<PlannedRun> Streamed(long bytes)
    {
        if (bytes <= StepPlan.RuntimeBytes || asked.IsDivided || asked.Device != CommandOptions.Cpu) yield break;
        var eager = Eager(asked) with { Resident = SettingText.Write(bytes), CheckpointBlocks = CheckpointPolicy.All };
        foreach (var way in Ways(eager)) yield return Run(way);
    }

    private static TrainOptions Halved(TrainOptions options) =>
        options with { Batch = (options.Batch + 1) / 2, Accumulate = options.Accumulate * 2 };

    /// <summary>Fewer bits for state, then for gradients and weights too.</summary>
    private static IEnumerable<TrainOptions> Stored(TrainOptions options)
    {
        const DType half = DType.BF16;
        if (options.StateDtype == DType.F32) yield return options with { StateDtype = half };
        var all = options with { StateDtype = half, GradientDtype = half };
        if (options.Dtype == DType.F32) yield return all with { Dtype = half };
        if (options is { Dtype: DType.F32 or half, MasterWeights: false }) yield return all with { Dtype = DType.Int8 };
    }

    /// <summary>
    /// The same in a mode. In the eager one a norm that was asked to be clipped is then clipped by that of the step before.
    /// </summary>
    public static TrainOptions WithMode(TrainOptions options, UpdateMode mode) => mode == options.Mode ? options : options with
    {
        Mode = mode,
        ClipMode = mode == UpdateMode.Eager && options.Clip > 0 ? EagerClip.Previous : null,
    };

    private static TrainOptions Eager(TrainOptions options) => WithMode(options, UpdateMode.Eager);

    private static PlannedRun Least(PlannedRun[] runs) => runs.MinBy(run => run.Plan.Resident)!;

    private PlannedRun Run(TrainOptions options) => new(options, shape, asked);
}
