namespace TrainGpt;

/// <summary>How a norm is clipped while parameters are stepped eagerly.</summary>
internal enum EagerClip
{
    TwoPass,
    Previous,
    PerTensor,
}

/// <summary>The settings of a run from its first step on: how it steps, what it measures, and what it writes.</summary>
internal abstract record StepOptions : CommandOptions
{
    protected const int Most = 1 << 16, MostWidth = 1 << 14;
    protected const string OfRule = "the preset's or the optimizer's own";

    [Setting("Steps of training.", Phase.Course, Min = 1)]
    public int Steps { get; init; } = 2000;

    [Setting("The learning rate after the warm-up.", Phase.Course, Min = 0, Max = 1e3, By = nameof(Optimizer))]
    public double? LearningRate { get; init; }

    [Setting("The learning rate at the last step, reached along a cosine.", Phase.Course, Min = 0, Max = 1e3,
        Otherwise = "a tenth of --learning-rate")]
    public double? MinLearningRate { get; init; }

    [Setting("Steps in which the learning rate rises from zero.", Phase.Course, Min = 0)]
    public int WarmUp { get; init; } = 100;

    [Setting("The update rule.", Phase.Run, Words = typeof(OptimizerChoice))]
    public string Optimizer { get; init; } = "adamw";

    [Setting(
        "A published form of the optimizer, such as muon's moonlight; a wrong name lists them.", Phase.Run, Kind = "NAME",
        Otherwise = "Mayfly's own")]
    public string? Preset { get; init; }

    [Setting(
        "When weights are stepped: eager, the moment a gradient is complete, which is then freed; or deferred, after the backward pass.",
        Phase.Course)]
    public UpdateMode Mode { get; init; } = UpdateMode.Deferred;

    [Setting(
        "AdamW's decay of the mean gradient; sgd's momentum; of adafactor with the preset hugging-face its first moment.",
        Phase.Run,
        Min = 0,
        Max = 0.999999,
        Otherwise = OfRule,
        Keys = ["AdamW.beta1", "Sgd.momentum", "beta1"])]
    public double? Beta1 { get; init; }

    [Setting(
        "AdamW's decay of the mean squared gradient.", Phase.Run, Min = 0, Max = 0.999999, Otherwise = OfRule,
        Keys = ["AdamW.beta2", "beta2"])]
    public double? Beta2 { get; init; }

    [Setting(
        "Weight decay of matrices and tables; gains have none.", Phase.Run, Min = 0, Max = 1e6, Otherwise = OfRule, Keys = ["weightDecay"])]
    public double? WeightDecay { get; init; }

    [Setting(
        "The rank of apollo's and galore's projection: a number; quarter or sqrt of a side; or auto, the optimizer's own.", Phase.Run,
        Kind = "N|quarter|sqrt|auto", Open = "auto", Otherwise = OfRule, Keys = ["rank"])]
    public string? Rank { get; init; }

    [Setting("The scale of apollo's and galore's update.", Phase.Run, Min = 1e-6, Max = 1e6, Otherwise = OfRule,
        Keys = ["alpha", "GaLore.scale"])]
    public double? Alpha { get; init; }

    [Setting(
        "Steps between projections of apollo and galore; 0 for never.", Phase.Run, Min = 0, Max = int.MaxValue, Otherwise = OfRule,
        Keys = ["refresh"])]
    public long? Refresh { get; init; }

    [Setting(
        "Lets muon and normuon orthogonalise each attention head of queries, keys and values by itself.", Phase.Run, Otherwise = OfRule,
        Keys = ["perHead"])]
    public bool? PerHead { get; init; }

    [Setting(
        "The factors by which muon and normuon orthogonalise: the same in each iteration, or Polar Express with others in each.", Phase.Run,
        Otherwise = OfRule,
        Keys = ["newtonSchulz.series"])]
    public NewtonSchulzSeries? Series { get; init; }

    [Setting(
        "The largest attention logit of a head, such as 100: after a step that met a larger one the head's queries and keys are scaled "
            + "down; 0 does not clip.",
        Phase.Run,
        Min = 0,
        Max = 1e6)]
    public double QkClip { get; init; }

    [Setting(
        "The width at which embeddings and head have the learning rate as it is given; at another one theirs is multiplied by "
            + "sqrt(N / width); 0 leaves it.",
        Phase.Run,
        Min = 0,
        Max = MostWidth)]
    public int RateWidth { get; init; }

    [Setting("The largest norm of all gradients together; 0 does not clip.", Phase.Course, Min = 0, Max = 1e30, By = nameof(Mode))]
    public double? Clip { get; init; }

    [Setting(
        "How --clip works while stepping eagerly: two-pass (exact, twice the time), previous (by the norm of the step before) or "
            + "per-tensor.",
        Phase.Run,
        Otherwise = "after the sweep, in deferred mode")]
    public EagerClip? ClipMode { get; init; }

    [Setting("The largest magnitude of a gradient's element.", Phase.Run, Min = 1e-30, Max = 1e30, Otherwise = "no limit")]
    public double? ClipValue { get; init; }

    [Setting("The most by which a gradient's norm may grow in a step, such as 1.01.", Phase.Run, Min = 1, Max = 1e6,
        Otherwise = "no limit")]
    public double? NormCap { get; init; }

    [Setting(
        "Trains low-rank adapters of this rank beside the linear layers of --init's model, whose own weights stay; 0 trains these. "
            + "Snapshots hold the adapters alone.",
        Phase.Run,
        Min = 0,
        Max = Most)]
    public int LoraRank { get; init; }

    [Setting(
        "The hash of the weights beside the adapters, which a run with --lora-rank writes to its config.json: a model of other weights is "
            + "refused.",
        Phase.Run,
        Kind = "HASH",
        Otherwise = "any",
        From = [nameof(Init)])]
    public string? InitHash { get; init; }

    [Setting("The adapters' result is multiplied by this over their rank.", Phase.Run, Min = 1e-6, Max = 1e6, Otherwise = "twice the rank")]
    public double? LoraAlpha { get; init; }

    [Setting("The part of the adapters' inputs that training sets to zero.", Phase.Run, Min = 0, Max = 0.99)]
    public double LoraDropout { get; init; }

    [Setting(
        "The layers that get adapters, with commas between: q, k, v, projection; fc of a gpt; gate, up, down of a llama; or patterns of "
            + "paths, as blocks.0.*.",
        Phase.Run,
        Kind = "NAMES")]
    public string LoraTargets { get; init; } = "q,v";

    [Setting(
        "Weights that stay as they are, by patterns of their names with commas between, as tokens.*,blocks.0.*: no gradient, no state.",
        Phase.Run,
        Kind = "PATTERNS",
        Otherwise = "none")]
    public string? Freeze { get; init; }

    [Setting("Steps between measurements of the validation loss.", Phase.Course, Min = 1)]
    public int EvaluateEvery { get; init; } = 250;

    [Setting(
        "Tokens on which each validation loss is measured, always the same ones, spread evenly over the data; 0 for all.",
        Phase.Course,
        Min = 0,
        Otherwise = "a fifth of those trained on in between, from 4096 to 4194304")]
    public long? EvaluateTokens { get; init; }

    [Setting(
        "Measurements of the validation loss in a row without a better one after which the run ends; 0 goes on to the last step. The best "
            + "snapshot is kept beside the last.",
        Phase.Course,
        Min = 0)]
    public int Patience { get; init; }

    [Setting(
        "Steps between snapshots, of which the last two are kept; 0 saves with each estimate of the validation loss.", Phase.Course,
        Min = 0)]
    public int SaveEvery { get; init; }

    [Setting("The seed of initial weights, batches and dropout.", Phase.Run)]
    public ulong Seed { get; init; } = 1;

    [Setting(
        "The numbers in which a GPU's large matrix products take their operands: other than fp32 by tensor cores, with sums in fp32.",
        Phase.Course)]
    public ProductPrecision Precision { get; init; }

    [Setting(
        "Steps between readings of the loss, for which a GPU has to be waited for; the log has only these.",
        Phase.Place,
        Min = 1,
        Otherwise = "10 on a GPU")]
    public int? ReadEvery { get; init; }

    [Setting("A page to write at the end: curves, settings and a sample, in one HTML file that needs no network.", Kind = "FILE")]
    public string? Report { get; init; }

    [Setting(
        "A drawing of the bytes in use over the first step, eagerly and deferred side by side; as JSON where the name ends in .json.",
        Kind = "FILE")]
    public string? MemoryTimeline { get; init; }

    [Setting("A folder for event files that TensorBoard shows.", Kind = "FOLDER")]
    public string? Tensorboard { get; init; }

    [Setting("Goes on from the snapshot in the folder, with the settings it was made with; says what options change, "
        + "and refuses what may not change.")]
    public bool Resume { get; init; }

    [Setting(
        $"A JSON file that sets options by their names, as {RunFolder.ConfigurationName} beside a snapshot does; "
            + "options of the command line come before it.",
        Kind = "FILE")]
    public string? Config { get; init; }
}
