namespace TrainGpt;

/// <summary>The options of commands that use a model: that of a run, or one that others trained.</summary>
internal abstract record ModelOptions : CommandOptions
{
    [Setting("A model that others trained, in the place of a run's: ", More = typeof(PretrainedModel), Kind = "FILE|FOLDER", IsPath = true,
        Otherwise = "the run in --out")]
    public string? Init { get; init; }

    [Setting("With --init, the folder of low-rank adapters for it, as PEFT and export --to adapter write it.", Kind = "FOLDER",
        IsPath = true, Otherwise = "none")]
    public string? Adapter { get; init; }

    [Setting("With --init, how text becomes ids: ", More = typeof(TokenizerChoice), Kind = "NAME|FILE", IsPath = true,
        Instead = typeof(TokenizerChoice), Otherwise = "what lies with the model")]
    public string? Tokenizer { get; init; }
}
