using System.Globalization;

namespace TrainGpt;

// What follows from the settings of a run, and which of them do not fit together.
internal partial record TrainOptions
{
    private const long MostTokens = Most * 64L;
    private const long LeastEvaluated = 1 << 12, MostEvaluated = 1 << 22;
    private const int TrainedPerEvaluated = 5;
    private const int UsualSyncEvery = 500; // Douillard et al. 2023

    /// <summary>This process's number among those that train the model, from 0.</summary>
    public int OwnRank { get; init; }

    /// <summary>How many there are.</summary>
    public virtual int Ranks { get; init; } = 1;

    /// <summary>True where weights are divided among them.</summary>
    public bool IsDivided => Shard && Ranks > 1;

    /// <summary>The windows of a micro-batch that this process takes.</summary>
    public int OwnBatch => Math.Max(1, (int)((long)Batch * (OwnRank + 1) / Ranks) - (int)((long)Batch * OwnRank / Ranks));

    /// <summary>The seed of the batches, which are others for each worker.</summary>
    public ulong DataSeed => unchecked(Seed + (ulong)Worker * 0x9E37_79B9_7F4A_7C15);

    public int StepsBetweenSnapshots => SaveEvery > 0 ? SaveEvery : EvaluateEvery;

    public bool IsEager => Mode == UpdateMode.Eager;

    /// <summary>The bound on the process's memory; null where nothing is streamed.</summary>
    /// <exception cref="InputException">It is no number of bytes, or has no room for the runtime alone.</exception>
    public long? ResidentBytes => Resident is not { } text ? null
        : ByteSize.TryParse(text) is not { } bytes
            ? throw new InputException($"--resident {text}: give bytes, such as 4GiB or 512MiB; units are {ByteSize.UnitNames}.")
        : bytes > StepPlan.RuntimeBytes ? bytes
        : throw new InputException($"--resident {text}: the runtime alone takes {ByteSize.Text(StepPlan.RuntimeBytes)}; give more.");

    /// <summary>The largest norm, or null where it is not clipped.</summary>
    public double? MaxNorm => UsedClip is > 0 and var norm ? norm : null;

    /// <summary>How the norm is clipped.</summary>
    public ClipMode NormClipping => MaxNorm is null ? Mayfly.ClipMode.Deferred : ClipMode switch
    {
        EagerClip.TwoPass => Mayfly.ClipMode.TwoPass,
        EagerClip.Previous => Mayfly.ClipMode.PreviousNorm,
        EagerClip.PerTensor => Mayfly.ClipMode.PerTensor,
        _ => Mayfly.ClipMode.Deferred,
    };

    /// <summary>The scale of the loss where it is found by trying; else null.</summary>
    public LossScaling? DynamicLossScale => LossScale == DynamicScale ? new LossScaling() : null;

    /// <summary>The constant scale of the loss.</summary>
    /// <exception cref="InputException">It is no positive number.</exception>
    public double ConstantLossScale => LossScale == DynamicScale ? 1
        : double.TryParse(LossScale, NumberStyles.Float, CultureInfo.InvariantCulture, out double scale) && scale is > 0 and < 1e30 ? scale
        : throw new InputException($"--loss-scale: '{LossScale}' is neither a positive number nor {DynamicScale}.");

    private double UsedClip => Clip ?? (IsEager && ClipMode is null ? 0 : 1);

    private double Peak => LearningRate ?? OptimizerChoice.LearningRate(this);

    private double Last => MinLearningRate ?? Peak / 10;

    /// <summary>Half a cosine after the warm-up.</summary>
    public Schedule Schedule() => new WarmUpCosine(Peak, Last, WarmUp, Steps);

    /// <summary>All that is known before the data is read.</summary>
    public override TrainOptions Used()
    {
        var used = ModelChoice.Used(OptimizerChoice.Used(this));
        return used with
        {
            LearningRate = Peak,
            MinLearningRate = Last,
            Clip = UsedClip,
            SyncEvery = SyncFolder is null ? null : SyncEvery ?? UsualSyncEvery,
            ReadEvery = ReadEvery ?? (Device == Cpu ? 1 : 10),
            EvaluateTokens = EvaluateTokens ?? Evaluated(used.Context!.Value),
        };
    }

    /// <summary>The tokens to evaluate on, which then takes less than a tenth of the training's time.</summary>
    private long Evaluated(int context) =>
        (long)Math.Clamp((double)Math.Min(EvaluateEvery, Steps) * Batch * Accumulate * context / TrainedPerEvaluated, LeastEvaluated,
            MostEvaluated);

    private void CheckProjected()
    {
        const string option = "--accumulation projected";
        if (Accumulate == 1)
            throw new InputException($"{option} says what waits between micro-batches, but --accumulate is 1; leave one out.");
        if (!OptimizerChoice.Projects(this))
            throw new InputException($"{option}: --optimizer {Optimizer} reads each element of a whole gradient; use galore, without "
                + "--clip-value and --norm-cap, or --accumulation whole.");
        if (MaxNorm is not null) throw new InputException($"{option} has no whole gradient whose norm could be clipped; use --clip 0.");
        if (Ranks > 1) throw new InputException($"{option}: each of {Ranks} processes would find its own projection; use whole.");
    }

    private void CheckRanks()
    {
        if (Batch < Ranks)
            throw new InputException($"--batch {Batch}: its windows are shared by {Ranks} processes; give {Ranks} or more.");
        if (Shard && (Resident is not null || Device != Cpu))
            throw new InputException($"--shard divides the memory of CPUs, without {(Resident is null ? "--device" : "--resident")}; "
                + "leave one out.");
        if (Shard && Report is not null)
            throw new InputException("--report needs all weights in one process, which --shard never has; let report make it afterwards.");
    }

    private void CheckWorkers()
    {
        if (SyncFolder is null)
        {
            if (SyncEvery is not null || Workers > 1 || Worker > 0)
                throw new InputException("--sync-every, --workers and --worker are about workers that meet in a folder; give --sync-folder "
                    + "too, or leave them out.");
            return;
        }

        if (Ranks > 1)
            throw new InputException($"--sync-folder: each worker is one process, of which the launcher has started {Ranks} as ranks: "
                + "start workers one by one, without it.");
        if (Resident is not null || MasterWeights)
            throw new InputException($"--sync-folder keeps weights as they were at the last meeting, in f32, without "
                + $"{(MasterWeights ? "--master-weights" : "--resident")}; leave one out.");
    }

    /// <summary>Checks the options that have to fit each other.</summary>
    /// <exception cref="InputException">Two do not; the message names them and says what to do.</exception>
    public void Check()
    {
        if (!(Last <= Peak)) throw new InputException(Declaration.Of<TrainOptions>(nameof(MinLearningRate)).OutOfRange(Last, 0, Peak));
        ModelChoice.Check(this);
        FineTuning.Check(this);
        int context = Used().Context!.Value;
        if ((long)Batch * context > MostTokens)
            throw new InputException($"--batch {Batch} times --context {context} is more than {MostTokens} tokens; "
                + "use --accumulate for larger batches.");
        OptimizerChoice.Check(this);
        if (Ranks > 1) CheckRanks();
        CheckWorkers();
        if (IsEager && Clip > 0 && ClipMode is null)
            throw new InputException("--clip needs all gradients before the first weight moves, which --mode eager never has: "
                + "use --mode deferred, --clip 0, or choose by --clip-mode two-pass, previous or per-tensor.");
        _ = ConstantLossScale; // which says what is wrong
        if (ResidentBytes is null && StreamFolder is not null)
            throw new InputException("--stream-folder is where the working file of --resident is; give that too, or leave it out.");
        if (Resident is not null && Device != Cpu)
            throw new InputException($"--resident streams weights to the memory of the CPU, not to {Device}; leave one out.");
        if (Precision != ProductPrecision.Fp32 && !Device.StartsWith("cuda", StringComparison.Ordinal) && Device != "auto")
            throw new InputException($"--precision {SettingText.Write(Precision)} takes a CUDA device of compute capability 8.0 or later, "
                + $"and {Device} is none; leave one out.");
        if (DynamicLossScale is not null && IsEager && NormClipping != Mayfly.ClipMode.TwoPass)
            throw new InputException($"--loss-scale {DynamicScale} leaves steps out, which --mode eager has half made when it knows: use "
                + "--mode deferred, --clip-mode two-pass, or a number.");
        if (Accumulation == AccumulationMode.Projected) CheckProjected();
        if (QkClip > 0 && (LoraRank > 0 || Shard))
            throw new InputException($"--qk-clip scales whole weights, which {(Shard ? "--shard divides" : "--lora-rank leaves alone")}; "
                + "leave one out.");
        if (MasterWeights && Dtype == DType.F32)
            throw new InputException("--master-weights are copies in f32 of weights of fewer bits, but --dtype is f32; leave one out.");
        if (ClipMode is not null && Clip == 0)
            throw new InputException($"--clip-mode {SettingText.Write(ClipMode)} with --clip 0 clips nothing; leave one out.");
    }
}
