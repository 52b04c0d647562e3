namespace Mayfly;

/// <summary>
/// Adapters alone, in a folder as PEFT has it: adapter_model.safetensors and adapter_config.json, with the names that Hugging Face's models
/// have for their layers.
/// </summary>
public static class LoraFile
{
    internal const string ConfigName = "adapter_config.json", WeightsName = "adapter_model.safetensors";

    /// <summary>True for a folder with adapters.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, ConfigName));

    /// <summary>Writes the adapters of a model to a new folder.</summary>
    /// <param name="model">A GPT or a Llama with adapters.</param>
    /// <param name="folder">The folder; it has its name when it is whole.</param>
    /// <param name="baseModel">What the adapters were made for: a path or a name.</param>
    /// <exception cref="InvalidOperationException">The model has no adapters.</exception>
    /// <exception cref="NotSupportedException">It is of another kind.</exception>
    /// <exception cref="InputException">The folder cannot be written.</exception>
    public static void Save(LanguageModel model, string folder, string? baseModel = null)
    {
        var adapters = new LoraLayers(model).Read();
        if (adapters.Count == 0) throw new InvalidOperationException("LoraFile: the model has no adapters; see Lora.Apply.");
        NewFolder.Write(folder, partial =>
        {
            var writer = new SafeTensorsWriter { Metadata = { ["format"] = "pt" } };
            foreach (var adapter in adapters)
            {
                writer.Add<float>(adapter.NameOf('A'), adapter.A, (adapter.Rank, adapter.Inputs));
                writer.Add<float>(adapter.NameOf('B'), adapter.B, (adapter.Outputs, adapter.Rank));
            }

            writer.Save(Path.Combine(partial, WeightsName));
            var config = LoraConfig.Write(adapters, baseModel, model.Config is GptConfig);
            HuggingFaceExport.WriteJson(Path.Combine(partial, ConfigName), config);
        });
    }

    /// <summary>Puts the adapters of a folder beside the layers of a model, which is frozen but for them.</summary>
    /// <param name="model">The model that they were made for, without adapters.</param>
    /// <param name="folder">The folder.</param>
    /// <returns>The adapters.</returns>
    /// <exception cref="InputException">A file cannot be read.</exception>
    /// <exception cref="BadFileException">One is damaged, of another model, or asks for what is not supported.</exception>
    /// <exception cref="NotSupportedException">The model is neither a GPT nor a Llama.</exception>
    public static IReadOnlyList<LoraLinear> Load(LanguageModel model, string folder)
    {
        string file = Path.Combine(folder, ConfigName);
        var config = JsonPart.Read(Files.ReadBytes(file), file, LoraConfig.Read);
        using var reader = SafeTensorsReader.Open(Path.Combine(folder, WeightsName));
        return new LoraLayers(model).Load(reader, config);
    }
}
