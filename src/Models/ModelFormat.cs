namespace Mayfly;

/// <summary>A format of models.</summary>
/// <param name="Help">What it is, in words.</param>
/// <param name="Fits">Tells whether a file or folder is of it.</param>
/// <param name="Open">Opens it.</param>
internal sealed record ModelFormat(string Help, Func<string, bool> Fits, Func<string, PretrainedModel> Open)
{
    /// <summary>All, in the order in which they are tried.</summary>
    public static readonly IReadOnlyList<ModelFormat> All =
    [
        new("a folder of Hugging Face's with config.json and .safetensors files", HuggingFaceModel.Fits, HuggingFaceModel.Open),
        new(".gguf (F32, F16, BF16, Q8_0)", path => File.Exists(path) && GgufReader.Fits(path), GgufModel.Open),
        new("llama2.c's .bin, with a tok*.bin beside it", Llama2cModel.Fits, Llama2cModel.Open),
    ];
}
