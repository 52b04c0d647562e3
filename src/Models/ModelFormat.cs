namespace Mayfly;

/// <summary>A format of models.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Help">What it is, in words.</param>
/// <param name="Fits">Tells whether a file or folder is of it.</param>
/// <param name="Open">Opens it.</param>
/// <param name="Save">Writes it; null where only Mayfly would read it.</param>
internal sealed record ModelFormat(
    string Name, string Help, Func<string, bool> Fits, Func<string, PretrainedModel> Open, Action<ModelExport, string>? Save)
{
    /// <summary>All, in the order in which they are tried.</summary>
    public static readonly IReadOnlyList<ModelFormat> All =
    [
        new("mayfly", "the folder of a run of Mayfly's, or a snapshot in it", SnapshotModel.Fits, SnapshotModel.Open, null),
        new("safetensors", "a folder of Hugging Face's with config.json and .safetensors files", HuggingFaceModel.Fits,
            HuggingFaceModel.Open, HuggingFaceExport.Save),
        new("gguf", ".gguf (F32, F16, BF16, Q8_0)", path => File.Exists(path) && GgufReader.Fits(path), GgufModel.Open, GgufExport.Save),
        new("llama2c", "llama2.c's .bin, with a tok*.bin beside it", Llama2cModel.Fits, Llama2cModel.Open, Llama2cExport.Save),
    ];
}
