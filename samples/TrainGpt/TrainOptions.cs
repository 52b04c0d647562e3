namespace TrainGpt;

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

/// <summary>
/// The options of <c>train</c>, which are the settings of a run: what it learns from, the model, its memory and its processes, and then
/// how it steps. The defaults are nanoGPT's for a CPU.
/// </summary>
internal partial record TrainOptions : StepOptions
{
    private const string DynamicScale = "dynamic", OfModel = "the model's own";

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
}
