namespace TrainGpt;

/// <summary>The options of <c>evaluate</c>.</summary>
internal sealed record EvaluateOptions : CommandOptions
{
    [Setting(DataHelp, Kind = "FILE|FOLDER", Otherwise = "what the model was trained on")]
    public string? Data { get; init; }
}
