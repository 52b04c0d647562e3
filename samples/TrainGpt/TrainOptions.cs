using System.Text.Json.Serialization;

namespace TrainGpt;

/// <summary>The settings of a run. The defaults are nanoGPT's for a CPU. A snapshot holds all that decide what the run computes.</summary>
internal sealed record TrainOptions
{
    public const string AdamW = "adamw", Sgd = "sgd", Eager = "eager", Deferred = "deferred", DefaultOut = "out", Cpu = "cpu";
    public const string TwoPass = "two-pass", Previous = "previous", PerTensor = "per-tensor";
    private const int Most = 1 << 16, MostWidth = 1 << 14;
    private const double DefaultClip = 1;

    public string? Data { get; init; }

    /// <summary>What to validate on; null is the last tenth of the data.</summary>
    public string? Validation { get; init; }

    /// <summary>The ids of a token file; null is one more than its largest.</summary>
    public int? Vocabulary { get; init; }

    /// <summary>A tokenizer's JSON file; null makes one from the data.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>gpt, llama or the name of a published model; null in what follows is the model's own.</summary>
    public string Model { get; init; } = ModelChoice.Gpt;

    public int? Layers { get; init; }

    public int? Heads { get; init; }

    public int? KvHeads { get; init; }

    public int? Width { get; init; }

    public int? Hidden { get; init; }

    public bool? Tied { get; init; }

    public int? Context { get; init; }

    public int Batch { get; init; } = 12;

    public int Steps { get; init; } = 2000;

    /// <summary>Null is the usual one of the optimizer.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Null is a tenth of the learning rate.</summary>
    public double? MinLearningRate { get; init; }

    public int WarmUp { get; init; } = 100;

    /// <summary>Null, here and for the two below: the optimizer's own, or its preset's.</summary>
    public double? Beta1 { get; init; }

    public double? Beta2 { get; init; }

    public double? WeightDecay { get; init; }

    /// <summary>The largest global gradient norm; 0 does not clip; null is 1 in deferred mode and 0 in eager mode.</summary>
    public double? Clip { get; init; }

    public double Dropout { get; init; }

    public string Optimizer { get; init; } = AdamW;

    public string? Preset { get; init; }

    /// <summary>A number, sqrt or auto; null is the optimizer's own.</summary>
    public string? Rank { get; init; }

    public double? Alpha { get; init; }

    public long? Refresh { get; init; }

    /// <summary>The largest magnitude of a gradient's element; null does not clip.</summary>
    public double? ClipValue { get; init; }

    /// <summary>The most that a gradient's norm grows by in a step; null does not limit.</summary>
    public double? NormCap { get; init; }

    /// <summary>How the norm is clipped while stepping eagerly; null is after the sweep, which needs deferred mode.</summary>
    public string? ClipMode { get; init; }

    public string Mode { get; init; } = Deferred;

    public int Accumulate { get; init; } = 1;

    public bool CheckpointBlocks { get; init; }

    public int EvaluateEvery { get; init; } = 250;

    /// <summary>Steps between snapshots; 0 saves with each estimate of the validation loss.</summary>
    public int SaveEvery { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>The device's name.</summary>
    [JsonIgnore]
    public string Device { get; init; } = Cpu;

    [JsonIgnore]
    public int Threads { get; init; }

    /// <summary>Steps between readings of the loss; null is 1 on the CPU and 10 elsewhere.</summary>
    [JsonIgnore]
    public int? ReadEvery { get; init; }

    [JsonIgnore]
    public string Out { get; init; } = DefaultOut;

    [JsonIgnore]
    public bool Resume { get; init; }

    /// <summary>The page to write about the run; null writes none.</summary>
    [JsonIgnore]
    public string? Report { get; init; }

    /// <summary>The folder for TensorBoard's event files; null writes none.</summary>
    [JsonIgnore]
    public string? TensorBoard { get; init; }

    [JsonIgnore]
    public int StepsBetweenSnapshots => SaveEvery > 0 ? SaveEvery : EvaluateEvery;

    [JsonIgnore]
    public bool IsEager => Mode == Eager;

    [JsonIgnore]
    public double? MaxNorm => (Clip ?? (IsEager && ClipMode is null ? 0 : DefaultClip)) is > 0 and var norm ? norm : null;

    [JsonIgnore]
    public ClipMode NormClipping => ClipMode switch
    {
        TwoPass => Mayfly.ClipMode.TwoPass,
        Previous => Mayfly.ClipMode.PreviousNorm,
        PerTensor => Mayfly.ClipMode.PerTensor,
        _ => Mayfly.ClipMode.Deferred,
    };

    [JsonIgnore]
    public double PeakLearningRate => LearningRate ?? OptimizerChoice.LearningRate(this);

    /// <summary>Half a cosine after the warm-up.</summary>
    public Schedule Schedule() => new WarmUpCosine(PeakLearningRate, MinLearningRate ?? PeakLearningRate / 10, WarmUp, Steps);

    /// <summary>Checks each setting, and those that have to fit each other.</summary>
    /// <exception cref="InputException">One is impossible; the message names the option and says what to do.</exception>
    public void Check()
    {
        CheckCounts();
        CheckRates();
        ModelChoice.Check(this);
        int context = ModelChoice.Config(this, 1).Context;
        if ((long)Batch * context > Most * 64L) throw new InputException($"--batch {Batch} times --context {context} is more than {Most * 64L} tokens; use --accumulate for larger batches.");
        OptimizerChoice.Check(this);
        if (IsEager && Clip > 0 && ClipMode is null)
            throw new InputException($"--clip needs all gradients before the first weight moves, which --mode eager never has: use --mode deferred, --clip 0, or choose by --clip-mode {TwoPass}, {Previous} or {PerTensor}.");
        if (ClipMode is not null && Clip == 0) throw new InputException($"--clip-mode {ClipMode} with --clip 0 clips nothing; leave one out.");
    }

    private void CheckCounts()
    {
        Between("--layers", Layers ?? 1, 1, 1024);
        Between("--heads", Heads ?? 1, 1, Most);
        Between("--kv-heads", KvHeads ?? 1, 1, Most);
        Between("--width", Width ?? 1, 1, MostWidth);
        Between("--hidden", Hidden ?? 1, 1, 8 * MostWidth);
        Between("--context", Context ?? 1, 1, Most);
        Between("--vocabulary", Vocabulary ?? 1, 1, 1 << 24);
        Between("--batch", Batch, 1, Most);
        Between("--steps", Steps, 1, int.MaxValue);
        Between("--warm-up", WarmUp, 0, int.MaxValue);
        Between("--accumulate", Accumulate, 1, 4096);
        Between("--evaluate-every", EvaluateEvery, 1, int.MaxValue);
        Between("--save-every", SaveEvery, 0, int.MaxValue);
        Between("--threads", Threads, 0, 1024);
        Between("--read-every", ReadEvery ?? 1, 1, int.MaxValue);
    }

    private void CheckRates()
    {
        Between("--learning-rate", PeakLearningRate, 0, 1e3);
        Between("--min-learning-rate", MinLearningRate ?? 0, 0, PeakLearningRate);
        Between("--beta1", Beta1 ?? 0, 0, 0.999999);
        Between("--beta2", Beta2 ?? 0, 0, 0.999999);
        Between("--weight-decay", WeightDecay ?? 0, 0, 1e6);
        Between("--clip", Clip ?? 0, 0, 1e30);
        Between("--clip-value", ClipValue ?? 1, 1e-30, 1e30);
        Between("--norm-cap", NormCap ?? 1, 1, 1e6);
        Between("--alpha", Alpha ?? 1, 1e-6, 1e6);
        Between("--refresh", Refresh ?? 0, 0, int.MaxValue);
        Between("--dropout", Dropout, 0, 0.99);
    }

    /// <summary>NaN lies nowhere.</summary>
    private static void Between(string option, double value, double low, double high)
    {
        if (!(value >= low && value <= high)) throw new InputException($"{option} {value} is out of range; give a value from {low} to {high}.");
    }
}
