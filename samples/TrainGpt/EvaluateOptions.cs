namespace TrainGpt;

/// <summary>The options of <c>evaluate</c>.</summary>
internal sealed record EvaluateOptions : ModelOptions
{
    [Setting("What to measure on, as a whole: ", More = typeof(CorpusPart), Kind = "FILE|FOLDER", IsPath = true,
        Otherwise = "what the run validates on")]
    public string? Data { get; init; }

    [Setting("Tokens the model sees at once.", Min = 1, Max = 1 << 24, Otherwise = "the model's context")]
    public int? Context { get; init; }

    [Setting("Tokens at the begin of each window that are read and not measured: half of --context is llama.cpp's measure.", Min = 0,
        Max = 1 << 24)]
    public int Unscored { get; init; }

    [Setting("How many tokens to measure at most, spread evenly; 0 for all.", Min = 0)]
    public long Tokens { get; init; }
}
