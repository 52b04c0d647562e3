namespace TrainGpt;

/// <summary>The options of <c>evaluate</c>.</summary>
internal sealed record EvaluateOptions : CommandOptions
{
    [Setting("What to measure on: ", More = typeof(CorpusPart), Kind = "FILE|FOLDER", Otherwise = "what the model was trained on")]
    public string? Data { get; init; }
}
