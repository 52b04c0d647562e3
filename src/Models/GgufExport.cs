namespace Mayfly;

/// <summary>Writes GGUF files for llama.cpp: architectures gpt2 and llama.</summary>
internal static class GgufExport
{
    /// <summary>What llama.cpp calls a file by the type of most of its matrices.</summary>
    private static readonly Dictionary<WeightType, uint> FileTypes = new()
    {
        [WeightType.F32] = 0, [WeightType.F16] = 1, [WeightType.Q8] = 7, [WeightType.BF16] = 32,
    };

    /// <summary>Writes a file.</summary>
    public static void Save(ModelExport export, string path)
    {
        var writer = new GgufWriter();
        var map = export.Shape(shape => Gpt2(writer, shape), shape => Llama(writer, shape, path));
        writer.Add("general.name", export.Options.Name ?? Path.GetFileNameWithoutExtension(path));
        writer.Add("general.file_type", FileTypes[export.Options.Type]);
        if (export.Options.Type == WeightType.Q8) writer.Add("general.quantization_version", 2u);
        foreach (var (name, value) in GgufTokens.Of(export.Tokenizer, export.Model.VocabularySize)) writer.Add(name, value);
        if (export.Options.ChatTemplate is { } template) writer.Add("tokenizer.chat_template", template);
        foreach (var tensor in new ModelTensors(export.Model, map).All(hasHead: export.Model.Config is GptConfig))
            Add(writer, tensor, TypeOf(tensor, export.Options.Type));
        Files.Replace(path, writer.WriteTo);
    }

    private static void Add(GgufWriter writer, ModelTensor tensor, GgufType type) =>
        writer.Add(tensor.Name, tensor.Sizes, type, stream => tensor.Write(stream, type.Name, count => count / type.Block * type.Bytes,
            (values, count, bytes) => type.Narrow(values.AsSpan(0, count), bytes.AsSpan(0, count / type.Block * type.Bytes))));

    /// <summary>Vectors and learned positions stay F32; rows that are no whole blocks are F16, as convert_hf_to_gguf.py has it.</summary>
    private static GgufType TypeOf(ModelTensor tensor, WeightType type)
    {
        if (tensor.Sizes.Length == 1 || tensor.Name == "position_embd.weight") return GgufType.Named("F32");
        var found = GgufType.Named(type.NameOf());
        return tensor.Sizes[^1] % found.Block == 0 ? found : GgufType.Named("F16");
    }

    private static WeightMap Gpt2(GgufWriter writer, GptConfig shape)
    {
        if (shape.GeluErf) throw new NotSupportedException("GGUF's gpt2 has the GELU in its tanh form, and this model the exact one.");
        AddShape(writer, "gpt2", shape);
        writer.Add("gpt2.attention.layer_norm_epsilon", 1e-5f);
        return WeightMap.GgufGpt2;
    }

    private static WeightMap Llama(GgufWriter writer, LlamaConfig shape, string path)
    {
        AddShape(writer, "llama", shape);
        writer.Add("llama.attention.head_count_kv", (uint)shape.KvHeads);
        writer.Add("llama.attention.layer_norm_rms_epsilon", shape.Epsilon);
        writer.Add("llama.rope.dimension_count", (uint)shape.HeadSize);
        writer.Add("llama.rope.freq_base", (float)shape.Theta);
        return (float)shape.Theta == shape.Theta ? WeightMap.GgufLlama : throw new NotSupportedException(
            $"{path}: GGUF holds the base of the rotary angles in single precision, and {shape.Theta:R} is no such number.");
    }

    private static void AddShape(GgufWriter writer, string architecture, ModelConfig shape)
    {
        writer.Add("general.architecture", architecture);
        writer.Add($"{architecture}.vocab_size", (uint)shape.VocabularySize);
        writer.Add($"{architecture}.context_length", (uint)shape.Context);
        writer.Add($"{architecture}.embedding_length", (uint)shape.Width);
        writer.Add($"{architecture}.block_count", (uint)shape.Layers);
        writer.Add($"{architecture}.feed_forward_length", (uint)shape.Hidden);
        writer.Add($"{architecture}.attention.head_count", (uint)shape.Heads);
    }
}
