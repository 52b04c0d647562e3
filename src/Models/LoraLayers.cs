namespace Mayfly;

/// <summary>The adapters of a model under Hugging Face's names, in which GPT-2's queries, keys and values are one layer.</summary>
internal sealed class LoraLayers
{
    private readonly LanguageModel model;
    private readonly Dictionary<string, WeightRow> rows;
    private readonly WeightMap map;

    /// <exception cref="NotSupportedException">The model is neither a GPT nor a Llama.</exception>
    public LoraLayers(LanguageModel model)
    {
        this.model = model;
        map = model.Config switch
        {
            GptConfig => WeightMap.HuggingFaceGpt2("transformer."),
            LlamaConfig => WeightMap.HuggingFaceLlama,
            var other => throw ModelExport.Cannot($"a model of {other.GetType().Name}", "GptConfig or LlamaConfig"),
        };
        rows = map.Of(model.Config.Layers);
    }

    /// <summary>The model's adapters.</summary>
    public List<NamedAdapter> Read() => [.. Lora.Of(model).SelectMany(Read)];

    private IEnumerable<NamedAdapter> Read(LoraLinear layer)
    {
        string[] modules = ModulesOf(layer.Path);
        var adapters = layer.Adapters.ToList();
        if (modules.Length == 1) return [adapters.Count == 1 && layer.PlaceCount == 1 ? Only(modules[0], adapters[0]) : Stacked()];
        string[] parts = ["q", "k", "v"];
        return adapters.Select(adapter => Turned(Only(modules[Array.FindIndex(parts, part => adapter.Name.EndsWith($".{part}",
            StringComparison.Ordinal))], adapter), toFile: true));

        // side by side: B has zeros where an adapter is not of the rows
        NamedAdapter Stacked()
        {
            int rank = adapters.Sum(a => (int)a.A.Shape[0]), outputs = (int)layer.Layer.Weight.Shape[0], first = 0;
            var b = new float[outputs * rank];
            foreach (var (_, row, _, matrix, _) in adapters)
            {
                float[] own = matrix.Value.ToArray(); // (Rows, r)
                int size = (int)matrix.Shape[1];
                for (int i = 0; i < own.Length; i++) b[(row + i / size) * rank + first + i % size] = own[i];
                first += size;
            }

            return new NamedAdapter(modules[0], rank, adapters[0].Scale, [.. adapters.SelectMany(a => a.A.Value.ToArray())], b);
        }
    }

    private static NamedAdapter Only(string module, (string Name, int FirstRow, Parameter A, Parameter B, float Scale) adapter) =>
        new(module, (int)adapter.A.Shape[0], adapter.Scale, adapter.A.Value.ToArray(), adapter.B.Value.ToArray());

    /// <summary>Puts the adapters of a file beside their layers.</summary>
    /// <exception cref="BadFileException">A tensor is missing, too many or of another size.</exception>
    public IReadOnlyList<LoraLinear> Load(SafeTensorsReader reader, LoraConfig config)
    {
        var known = reader.Entries.Keys.ToHashSet(StringComparer.Ordinal);
        var found = new Dictionary<string, LoraPlace[]>();
        foreach (var row in rows.Values.Where(row => row.Parameter.EndsWith(".weight", StringComparison.Ordinal)))
            if (Places(reader, config, row, known) is { } places) found.Add(row.Parameter, places);
        if (known.FirstOrDefault() is { } other) throw new BadFileException(
            reader.Path, other, "the model has no such layer, or the format no such tensor.");
        if (found.Count == 0) throw new BadFileException(reader.Path, "header", "there are no adapters in it.");
        var options = new LoraOptions { Dropout = config.Dropout };
        var made = Lora.Apply(model, options, layer => found.GetValueOrDefault(layer.Weight.Name) ?? []);
        foreach (var layer in made) Fill(layer, reader);
        return made;
    }

    /// <summary>The places of a layer, if one has an adapter; its names are taken from those left.</summary>
    private LoraPlace[]? Places(SafeTensorsReader reader, LoraConfig config, WeightRow row, HashSet<string> left)
    {
        if (model.Parameters().FirstOrDefault(p => p.Name == row.Parameter) is not { } weight) return null;
        string path = row.Parameter[..^".weight".Length];
        int[] sizes = row.Tensors.Length == 1 ? [(int)weight.Shape[0]] : [.. weight.RowBlocks.Select(count => (int)count)];
        var places = new LoraPlace[sizes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            string module = ModuleOf(row.Tensors[i]), part = sizes.Length == 1 ? "" : $"{"qkv"[i]}";
            string name = part.Length == 0 ? path : $"{path[..(path.LastIndexOf('.') + 1)]}{part}";
            places[i] = new LoraPlace(name, part, sizes[i], RankOf(reader, module, sizes[i], (int)weight.Shape[1], left),
                config.AlphaOf(module));
        }

        return places.Any(place => place.Rank > 0) ? places : null;
    }

    private static int RankOf(SafeTensorsReader reader, string module, int outputs, int inputs, HashSet<string> left)
    {
        string a = NamedAdapter.NameOf(module, 'A'), b = NamedAdapter.NameOf(module, 'B');
        if (!left.Remove(a) & !left.Remove(b)) return 0;
        SafeTensorEntry first = reader.Entry(a), second = reader.Entry(b);
        if (first.Sizes is not [var rank and > 0 and < 1 << 20, var width] || width != inputs)
            throw new BadFileException(reader.Path, a, $"it has shape {first.SizeText}; (rank, {inputs}) is needed.");
        if (second.Sizes is not [var height, var same] || height != outputs || same != rank)
            throw new BadFileException(reader.Path, b, $"it has shape {second.SizeText}; ({outputs}, {rank}) is needed.");
        return (int)rank;
    }

    private void Fill(LoraLinear layer, SafeTensorsReader reader)
    {
        string[] modules = ModulesOf(layer.Path);
        foreach (var (name, _, a, b, scale) in layer.Adapters)
        {
            string module = modules.Length == 1 ? modules[0] : modules["qkv".IndexOf(name[^1], StringComparison.Ordinal)];
            var adapter = Turned(new NamedAdapter(module, (int)a.Shape[0], scale, reader.Read<float>(NamedAdapter.NameOf(module, 'A')),
                reader.Read<float>(NamedAdapter.NameOf(module, 'B'))), toFile: false);
            a.Value.CopyFrom<float>(adapter.A);
            b.Value.CopyFrom<float>(adapter.B);
        }
    }

    /// <summary>What queries and keys get turns with them: the rows of B are in the order of the weight's.</summary>
    private NamedAdapter Turned(NamedAdapter adapter, bool toFile)
    {
        bool turns = model.Config is LlamaConfig { RotaryHalves: false }
            && adapter.Module[(adapter.Module.LastIndexOf('.') + 1)..] is "q_proj" or "k_proj";
        return turns ? adapter with { B = RotaryOrder.Turned(adapter.B, adapter.Rank, model.Config.HeadSize, toFile) } : adapter;
    }

    private string[] ModulesOf(string path) => [.. rows[$"{path}.weight"].Tensors.Select(ModuleOf)];

    private static string ModuleOf(string tensor) => tensor[..^".weight".Length];
}
