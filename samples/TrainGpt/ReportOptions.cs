namespace TrainGpt;

/// <summary>The options of <c>report</c>.</summary>
internal sealed record ReportOptions : CommandOptions
{
    [Setting("The page to write.", Kind = "FILE", Otherwise = $"{RunFolder.PageName} in the folder")]
    public string? Report { get; init; }
}
