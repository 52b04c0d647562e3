namespace TrainGpt;

/// <summary>The options of <c>plan</c>: those of the run that it plans, and two of its own.</summary>
internal sealed record PlanOptions : TrainOptions
{
    [Setting(
        "The memory that the run may take, such as 4GiB: the least change that fits is looked for, and its command printed.",
        Kind = "BYTES",
        Otherwise = "what the settings take")]
    public string? Fit { get; init; }

    [Setting("The processes that mpirun would start: the plan is of the one that needs most.", Min = 1, Max = 1 << 16)]
    public override int Ranks { get; init; } = 1;
}
