namespace TrainGpt;

/// <summary>The options of <c>plan</c>: those of the run that it plans, and one of its own.</summary>
internal sealed record PlanOptions : TrainOptions
{
    [Setting(
        "The memory that the run may take, such as 4GiB: the least change that fits is looked for, and its command printed.",
        Kind = "BYTES",
        Otherwise = "what the settings take")]
    public string? Fit { get; init; }
}
