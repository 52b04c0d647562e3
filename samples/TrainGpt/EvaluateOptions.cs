namespace TrainGpt;

/// <summary>The options of <c>evaluate</c>.</summary>
internal sealed record EvaluateOptions : ModelOptions
{
    [Setting("What to measure on, as a whole: ", More = typeof(CorpusPart), Kind = "FILE|FOLDER", IsPath = true,
        Otherwise = "what the run validates on")]
    public string? Data { get; init; }

    [Setting("How many tokens to measure at most, spread evenly; 0 for all.", Min = 0)]
    public long Tokens { get; init; }
}
