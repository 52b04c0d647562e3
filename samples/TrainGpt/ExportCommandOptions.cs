namespace TrainGpt;

/// <summary>The options of <c>export</c>.</summary>
internal sealed record ExportCommandOptions : ModelOptions
{
    /// <summary>The name under which adapters are written alone.</summary>
    public const string AdaptersAlone = "adapter";

    [Setting("What to write: a .gguf or .bin file, or a new folder.", Kind = "FILE|FOLDER", Otherwise = "needed")]
    public override string Out { get; init; } = "";

    [Setting("The folder of the run whose model is written.", Kind = "FOLDER")]
    public string Run { get; init; } = "out";

    [Setting("The format: ", More = typeof(ExportFormats), Words = typeof(ExportFormats))]
    public string To { get; init; } = "safetensors";

    [Setting("How matrices and tables are stored; q8_0 in gguf only, f32 only in llama2c.", Words = typeof(ExportTypes))]
    public string Dtype { get; init; } = "f32";

    [Setting("The most bytes of weights in one file of safetensors; a larger model becomes several, with an index.",
        Kind = "BYTES", Min = 1)]
    public long ShardBytes { get; init; } = new ExportOptions().ShardBytes;

    [Setting("A file with the template of chats, in Jinja, for those who chat with the model.", Kind = "FILE", IsPath = true,
        Otherwise = "what lies with the model of --init")]
    public string? ChatTemplate { get; init; }

    [Setting("The model's name in a .gguf.", Otherwise = "that of the file")]
    public string? Name { get; init; }
}

/// <summary>The values of <c>--to</c>.</summary>
internal static class ExportFormats
{
    public static string[] Names => [.. ModelExport.Formats, ExportCommandOptions.AdaptersAlone];

    public static string Help => $"{ModelExport.Help.TrimEnd('.')}; "
        + $"{ExportCommandOptions.AdaptersAlone}, the adapters of a LoRA run alone, as "
        + "PEFT has them.";
}

/// <summary>The values of <c>--dtype</c> of <c>export</c>.</summary>
internal static class ExportTypes
{
    private static readonly (string Name, WeightType Type)[] All =
        [("f32", WeightType.F32), ("f16", WeightType.F16), ("bf16", WeightType.BF16), ("q8_0", WeightType.Q8)];

    public static string[] Names => [.. All.Select(type => type.Name)];

    public static WeightType Of(string name) => Array.Find(All, type => type.Name == name).Type;
}
