namespace TrainGpt;

/// <summary>The options of commands that let a model write.</summary>
internal abstract record SamplingOptions : ModelOptions
{
    private protected static readonly Sampling Usual = new();

    [Setting("How far to stray from the best token; 0 always takes it.", Min = 0, Max = 1e30)]
    public double Temperature { get; init; } = Usual.Temperature;

    [Setting("Draws among this many of the best tokens; 0 for all.", Min = 0)]
    public int TopK { get; init; } = Usual.TopK;

    [Setting("Draws among the fewest best tokens whose probabilities sum to this; 1 for all.", Min = double.Epsilon, Max = 1)]
    public double TopP { get; init; } = Usual.TopP;

    [Setting("The seed of the draws.")]
    public ulong Seed { get; init; } = Usual.Seed;
}
