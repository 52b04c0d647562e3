using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mayfly;

/// <summary>Writes a folder that Hugging Face's tools load.</summary>
internal static class HuggingFaceExport
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes a new folder, which has its name when it is whole.</summary>
    public static void Save(ModelExport export, string path)
    {
        export.CheckType("safetensors", WeightType.F32, WeightType.F16, WeightType.BF16);
        var config = export.Shape(shape => Gpt2(shape, export), shape => Llama(shape, export));
        var map = export.Shape(_ => WeightMap.HuggingFaceGpt2("transformer."), _ => WeightMap.HuggingFaceLlama);
        var tensors = new ModelTensors(export.Model, map).All();
        NewFolder.Write(path, folder =>
        {
            WriteWeights(folder, tensors, export.Options);
            if (export.Tokenizer is { } tokenizer) HuggingFaceTokens.Save(tokenizer, folder, config, export);
            WriteJson(Path.Combine(folder, "config.json"), config);
        });
    }

    /// <summary>Writes a JSON file.</summary>
    public static void WriteJson(string path, JsonNode json) =>
        Files.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString(Indented) + "\n")));

    private static void WriteWeights(string folder, List<ModelTensor> tensors, ExportOptions options)
    {
        string type = options.Type.NameOf();
        var shards = Shards(tensors, SafeTensors.SizeOf(type), options.ShardBytes);
        if (shards.Count == 1)
        {
            WriteShard(Path.Combine(folder, SafeTensorsWeights.Single), shards[0], type);
            return;
        }

        var places = new JsonObject();
        for (int i = 0; i < shards.Count; i++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
            WriteShard(Path.Combine(folder, name), shards[i], type);
            foreach (var tensor in shards[i]) places.Add(tensor.Name, name);
        }

        long total = tensors.Sum(Count) * SafeTensors.SizeOf(type);
        WriteJson(Path.Combine(folder, SafeTensorsWeights.Index),
            new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = places });
    }

    private static void WriteShard(string path, List<ModelTensor> tensors, string type)
    {
        var writer = new SafeTensorsWriter { Metadata = { ["format"] = "pt" } }; // without which transformers refuses a file
        int size = SafeTensors.SizeOf(type);
        foreach (var tensor in tensors)
            writer.Add(tensor.Name, type, tensor.Sizes, stream => tensor.Write(stream, type, count => count * size,
                (values, count, bytes) => SafeTensors.Narrow(type, values.AsSpan(0, count), bytes.AsSpan(0, count * size))));
        writer.Save(path);
    }

    /// <summary>As many tensors in each as fit, one at least.</summary>
    private static List<List<ModelTensor>> Shards(List<ModelTensor> tensors, int size, long most)
    {
        var shards = new List<List<ModelTensor>> { new() };
        long bytes = 0;
        foreach (var tensor in tensors)
        {
            if (shards[^1].Count > 0 && bytes + Count(tensor) * size > most) (shards, bytes) = ([.. shards, []], 0);
            shards[^1].Add(tensor);
            bytes += Count(tensor) * size;
        }

        return shards;
    }

    private static long Count(ModelTensor tensor) => tensor.Sizes.Aggregate(1L, (count, size) => count * size);

    private static JsonObject Gpt2(GptConfig shape, ModelExport export) => new()
    {
        ["architectures"] = new JsonArray("GPT2LMHeadModel"),
        ["model_type"] = "gpt2",
        ["vocab_size"] = shape.VocabularySize,
        ["n_positions"] = shape.Context,
        ["n_ctx"] = shape.Context,
        ["n_embd"] = shape.Width,
        ["n_layer"] = shape.Layers,
        ["n_head"] = shape.Heads,
        ["n_inner"] = shape.Hidden,
        ["activation_function"] = shape.GeluErf ? "gelu" : "gelu_new",
        ["layer_norm_epsilon"] = 1e-5,
        ["scale_attn_weights"] = true,
        ["scale_attn_by_inverse_layer_idx"] = false,
        ["attn_pdrop"] = 0,
        ["embd_pdrop"] = shape.Dropout,
        ["resid_pdrop"] = shape.Dropout,
        ["tie_word_embeddings"] = shape.TiedHead,
        ["torch_dtype"] = TorchName(export.Options.Type),
    };

    private static JsonObject Llama(LlamaConfig shape, ModelExport export) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["vocab_size"] = shape.VocabularySize,
        ["max_position_embeddings"] = shape.Context,
        ["hidden_size"] = shape.Width,
        ["num_hidden_layers"] = shape.Layers,
        ["num_attention_heads"] = shape.Heads,
        ["num_key_value_heads"] = shape.KvHeads,
        ["head_dim"] = shape.HeadSize,
        ["intermediate_size"] = shape.Hidden,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = JsonNode.Parse(shape.Epsilon.ToString("R", CultureInfo.InvariantCulture)),
        ["rope_theta"] = shape.Theta,
        ["rope_scaling"] = null,
        ["attention_bias"] = false,
        ["mlp_bias"] = false,
        ["tie_word_embeddings"] = shape.TiedHead,
        ["torch_dtype"] = TorchName(export.Options.Type),
    };

    private static string TorchName(WeightType type) => type switch
    {
        WeightType.F16 => "float16",
        WeightType.BF16 => "bfloat16",
        _ => "float32",
    };
}
