namespace Mayfly.Tests;

/// <summary>The formats of models and adapters, of which a file is damaged and those beside it are whole.</summary>
internal sealed class FuzzModels
{
    private const int MostWeights = 1 << 16;
    private readonly TemporaryFolder folder;

    /// <summary>Writes a small model in each format.</summary>
    public FuzzModels(TemporaryFolder folder)
    {
        this.folder = folder;
        using var device = Device.CreateCpu(1);
        using var model = Shape.Create(device);
        var tokenizer = new ByteTokenizer();
        new ModelExport(model, tokenizer, new ExportOptions { ShardBytes = 9000 }).Save("safetensors", folder.File("shards"));
        new ModelExport(model, tokenizer, new ExportOptions { Type = WeightType.F16 }).Save("gguf", folder.File("model.gguf"));
        new ModelExport(model).Save("llama2c", folder.File("c/model.bin"));
        Lora.Apply(model, new LoraOptions { Rank = 2 });
        LoraFile.Save(model, folder.File("adapters"));
    }

    private static LlamaConfig Shape => new()
    {
        VocabularySize = 256, Context = 8, Layers = 1, Heads = 2, KvHeads = 1, Width = 16, Hidden = 24,
    };

    /// <summary>The formats.</summary>
    public IEnumerable<FuzzFormat> Make()
    {
        yield return Json("model-config", "shards/config.json", path => Open(Path.GetDirectoryName(path)!));
        yield return Json("model-index", "shards/model.safetensors.index.json", path => Open(Path.GetDirectoryName(path)!));
        byte[][] gguf = [File.ReadAllBytes(folder.File("model.gguf"))], plain = [File.ReadAllBytes(folder.File("c/model.bin"))];
        yield return new("gguf", "model.gguf", gguf, FuzzFormats.Raw(gguf), Open) { Fixed = 4 << 20 };
        yield return new("llama2c", "model.bin", plain, FuzzFormats.Raw(plain), Open) { Fixed = 4 << 20 };
        yield return Json("adapter-config", "adapters/adapter_config.json", Adapt);
        byte[][] tensors = [File.ReadAllBytes(folder.File("adapters/adapter_model.safetensors"))];
        yield return new("adapter", "adapter_model.safetensors", tensors, (mutator, file) => FuzzFormats.WithHeader(file, mutator.Text),
            Beside("adapters", Adapt)) { Fixed = 4 << 20 };
    }

    private FuzzFormat Json(string name, string file, Func<string, long> read)
    {
        byte[][] samples = [File.ReadAllBytes(folder.File(file))];
        return new(name, Path.GetFileName(file), samples, FuzzFormats.Text(samples), Beside(Path.GetDirectoryName(file)!, read))
        {
            Fixed = 4 << 20,
        };
    }

    /// <summary>Puts the other files of a folder beside the damaged one.</summary>
    private Func<string, long> Beside(string name, Func<string, long> read) => path =>
    {
        foreach (string file in Directory.GetFiles(folder.File(name)))
            if (Path.Combine(Path.GetDirectoryName(path)!, Path.GetFileName(file)) is var target && !File.Exists(target))
                File.Copy(file, target);
        return read(path);
    };

    private static long Open(string path)
    {
        using var pretrained = PretrainedModel.Open(path);
        if (pretrained.Config.CountParameters() > MostWeights) throw new InputException("a model of another size");
        using var device = Device.CreateCpu(1);
        pretrained.Create(device).Dispose();
        return device.Arena.Report.PeakBytes;
    }

    private static long Adapt(string path)
    {
        using var device = Device.CreateCpu(1);
        using var model = Shape.Create(device);
        LoraFile.Load(model, Path.GetDirectoryName(path)!);
        return device.Arena.Report.PeakBytes;
    }
}
