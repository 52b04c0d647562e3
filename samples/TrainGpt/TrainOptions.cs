namespace TrainGpt;

/// <summary>How a norm is clipped while parameters are stepped eagerly.</summary>
internal enum EagerClip
{
    TwoPass,
    Previous,
    PerTensor,
}

/// <summary>Whether documents of one window see each other.</summary>
internal enum DocumentChoice
{
    Joined,
    Apart,
}

/// <summary>What <c>--template</c> means.</summary>
internal static class TemplateChoice
{
    /// <summary>The one that fits the tokenizer.</summary>
    public const string Fitting = "fitting";

    /// <summary>The values.</summary>
    public static string[] Names => [Fitting, .. ChatTemplate.All.Select(template => template.Name)];
}

/// <summary>The options of <c>train</c>, which are the settings of a run. The defaults are nanoGPT's for a CPU.</summary>
internal partial record TrainOptions : CommandOptions
{
    private const string DynamicScale = "dynamic";
    private const int Most = 1 << 16, MostWidth = 1 << 14;
    private const string OfModel = "the model's own", OfRule = "the preset's or the optimizer's own";

    [Setting(
        "What to learn from: ",
        Phase.Course,
        More = typeof(CorpusPart),
        Kind = "FILE|FOLDER",
        IsPath = true,
        Otherwise = "the SDK's API documentation")]
    public string? Data { get; init; }

    [Setting(
        "What to validate on, like --data.", Phase.Course, Kind = "FILE|FOLDER", IsPath = true, Otherwise = "the last tenth of the data")]
    public string? Validation { get; init; }

    [Setting("The field of a .jsonl line, or the column of a .parquet table, that is a document's text.", Phase.Course)]
    public string TextField { get; init; } = JsonLines.TextField;

    [Setting("How a chat (messages) is written; fitting: as the tokenizer's special tokens say, else plain.", Phase.Course,
        Words = typeof(TemplateChoice))]
    public string Template { get; init; } = TemplateChoice.Fitting;

    [Setting(
        "Whether documents of one window see each other: joined, they follow one another as one text; apart, each is as if alone, and each "
            + "text file of a folder is one.",
        Phase.Run)]
    public DocumentChoice Documents { get; init; }

    [Setting(
        "The folder in which the ids of text are kept, and found again while text and tokenizer are the same.", Phase.Place,
        Kind = "FOLDER",
        IsPath = true,
        Otherwise = "tokens in --out, for text of more than 64 MiB; less is encoded in memory")]
    public string? Cache { get; init; }

    [Setting(
        "The hash of the ids that the data gives, which a run writes to its config.json: other data is refused.",
        Phase.Run,
        Kind = "HASH",
        Otherwise = "any",
        From = [nameof(Data), nameof(Validation), nameof(Tokenizer)])]
    public string? DataHash { get; init; }

    [Setting(
        "The number of ids of a .bin file.",
        Phase.Run,
        Min = 1,
        Max = 1 << 24,
        Otherwise = "its largest id + 1; of text its characters",
        From = [nameof(Data), nameof(Validation), nameof(Tokenizer)])]
    public int? Vocabulary { get; init; }

    [Setting(
        "How text becomes ids: ",
        Phase.Run,
        More = typeof(TokenizerChoice),
        Kind = "NAME|FILE",
        IsPath = true,
        Instead = typeof(TokenizerChoice),
        Otherwise = "the characters of the data; for a .bin file its ids as numbers")]
    public string? Tokenizer { get; init; }

    [Setting(
        "A model that others trained, whose weights, shape and tokenizer are the run's first: ",
        Phase.Run,
        More = typeof(PretrainedModel),
        Kind = "FILE|FOLDER",
        IsPath = true,
        Otherwise = "new weights")]
    public string? Init { get; init; }

    [Setting(
        "The kind of model, whose shape the next options set; or the shape of a published model by its name. Weights are always new.",
        Phase.Run,
        Words = typeof(ModelChoice))]
    public string Model { get; init; } = ModelChoice.Gpt;

    [Setting("Transformer blocks.", Phase.Shape, Min = 1, Max = 1024, Otherwise = OfModel)]
    public int? Layers { get; init; }

    [Setting("Attention heads of each block.", Phase.Shape, Min = 1, Max = Most, Otherwise = OfModel)]
    public int? Heads { get; init; }

    [Setting("Key and value heads of a llama, a divisor of the heads.", Phase.Shape, Min = 1, Max = Most, Otherwise = "as many as --heads")]
    public int? KvHeads { get; init; }

    [Setting("The size of a token's vector, a multiple of the heads.", Phase.Shape, Min = 1, Max = MostWidth, Otherwise = OfModel)]
    public int? Width { get; init; }

    [Setting(
        "The size inside the feed-forward part.",
        Phase.Shape,
        Min = 1,
        Max = 8 * MostWidth,
        Otherwise = "4 widths; of a llama 8/3 widths rounded up to a multiple of 32")]
    public int? Hidden { get; init; }

    [Setting("The head shares the token table.", Phase.Shape, Otherwise = OfModel, Field = nameof(ModelConfig.TiedHead))]
    public bool? Tied { get; init; }

    [Setting(
        "The type in which matrices and tables are stored, while all arithmetic is in f32: bf16 takes half the memory; int8 a quarter, for "
            + "hidden matrices, with bf16 for tables and head.",
        Phase.Run,
        Words = typeof(StoredTypes),
        Field = nameof(ModelConfig.Weights))]
    public DType Dtype { get; init; }

    [Setting("The type in which the optimizer keeps what it remembers of matrices.", Phase.Run, Words = typeof(StateTypes))]
    public DType StateDtype { get; init; }

    [Setting(
        "The type of the gradients of matrices while they wait for the end of the step or for more micro-batches.", Phase.Run,
        Words = typeof(GradientTypes))]
    public DType GradientDtype { get; init; }

    [Setting(
        "What the loss is multiplied by for the backward pass, so that small gradients do not vanish in --gradient-dtype f16: a number; or "
            + $"{DynamicScale}, found by trying, which leaves out steps that overflow.",
        Phase.Run,
        Kind = "N|dynamic")]
    public string LossScale { get; init; } = "1";

    [Setting(
        "Steps f32 copies of weights that --dtype stores in fewer bits, instead of rounding at random what a step gives.", Phase.Run)]
    public bool MasterWeights { get; init; }

    [Setting("Tokens the model sees at once.", Phase.Run, Min = 1, Max = Most, Otherwise = OfModel)]
    public int? Context { get; init; }

    [Setting("The part of activations that training sets to zero.", Phase.Course, Min = 0, Max = 0.99)]
    public double Dropout { get; init; }

    [Setting(
        "Blocks that the backward pass runs again instead of keeping what they made: all, a third more time; every N-th; the first N; "
            + "sqrt, all of them twice, for the least memory; or as many as it takes to stay within bytes such as 4GiB. All where the name "
            + "stands alone.",
        Phase.Course,
        Kind = "none|all|every-N|first-N|sqrt|BYTES",
        Alone = "all")]
    public CheckpointChoice CheckpointBlocks { get; init; }

    [Setting(
        "The most memory that the process may take, such as 4GiB: large weights and optimizer state then live in a working file and are in "
            + "memory only while they are used. It changes no bit of the run.",
        Phase.Place,
        Kind = "BYTES",
        Otherwise = "all of them stay in memory")]
    public string? Resident { get; init; }

    [Setting("A folder for the working file of --resident, on a fast disk with room for weights and state.", Phase.Place, Kind = "FOLDER",
        IsPath = true, Otherwise = "the run's")]
    public string? StreamFolder { get; init; }

    [Setting(
        "Divides weights, gradients and optimizer state among the processes that mpirun has started, instead of giving each all of them. "
            + "It changes no bit of the run.",
        Phase.Place)]
    public bool Shard { get; init; }

    [Setting(
        "The folder in which workers meet that train one model together over a slow network (DiLoCo): each is a train with a --worker and "
            + "an --out of its own. All see the folder, and it is this run's alone.",
        Phase.Run,
        Kind = "FOLDER",
        IsPath = true,
        Otherwise = "this run has no other workers")]
    public string? SyncFolder { get; init; }

    [Setting("Steps between the workers' meetings.", Phase.Run, Min = 1, Otherwise = "500 with --sync-folder")]
    public int? SyncEvery { get; init; }

    [Setting("This worker's number, which its data depends on.", Phase.Run, Min = 0, Max = DilocoOptions.MostWorkers - 1)]
    public int Worker { get; init; }

    [Setting("The workers that the first meeting waits for, whose numbers are 0 and up; others may join later.", Phase.Run, Min = 1,
        Max = DilocoOptions.MostWorkers)]
    public int Workers { get; init; } = 1;

    [Setting("Seconds that a worker waits at a meeting for others, before it goes on without them.", Phase.Place, Min = 0, Max = 1e6)]
    public double SyncWait { get; init; } = 300;

    [Setting("The learning rate of the step that the workers make together.", Phase.Run, Min = 0, Max = 1e3)]
    public double OuterLearningRate { get; init; } = 0.7;

    [Setting("The momentum of that step.", Phase.Run, Min = 0, Max = 0.999999)]
    public double OuterMomentum { get; init; } = 0.9;

    [Setting("Windows of text per micro-batch; several processes share them.", Phase.Run, Min = 1, Max = Most)]
    public int Batch { get; init; } = 12;

    [Setting("Micro-batches per step; their gradients add up.", Phase.Run, Min = 1, Max = 4096)]
    public int Accumulate { get; init; } = 1;

    [Setting(
        "What waits between micro-batches: whole gradients; or, with galore, which reads no more of them, their projections: less memory, "
            + "and where a projection is found anew it is that of the step's first micro-batch. Nothing is clipped then.",
        Phase.Run)]
    public AccumulationMode Accumulation { get; init; }

    [Setting(
        "Finds each micro-batch's gradient by itself and then adds it, as processes do: N of them then give the bits of one with "
            + "--accumulate N and an Nth of --batch.",
        Phase.Run)]
    public bool SumsApart { get; init; }

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
