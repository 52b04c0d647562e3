namespace Mayfly;

/// <summary>Hugging Face's folders: config.json, safetensors files and a tokenizer. Architectures are GPT-2 and Llama.</summary>
internal static class HuggingFaceModel
{
    private const string ConfigName = "config.json", TypeField = "model_type";

    private static readonly Dictionary<string, Func<JsonPart, SafeTensorsWeights, (ModelConfig, WeightMap)>> Architectures = new()
    {
        ["gpt2"] = (config, weights) => (Gpt2(config), WeightMap.HuggingFaceGpt2(Prefix(weights))),
        ["llama"] = (config, _) => (Llama(config), WeightMap.HuggingFaceLlama),
    };

    /// <summary>True for a folder with weights, and for one of its files.</summary>
    public static bool Fits(string path) => Directory.Exists(path) ? SafeTensorsWeights.IsIn(path)
        : path.EndsWith(".safetensors", StringComparison.Ordinal) || Path.GetFileName(path) == ConfigName;

    /// <summary>Opens one.</summary>
    /// <exception cref="BadFileException">It is damaged, or of another architecture.</exception>
    public static PretrainedModel Open(string path)
    {
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        string file = Path.Combine(folder, ConfigName);
        var weights = SafeTensorsWeights.Open(folder);
        try
        {
            return JsonPart.Read(Files.ReadBytes(file), file, config =>
            {
                string type = config[TypeField].Text;
                if (!Architectures.TryGetValue(type, out var read)) throw config[TypeField].Unsupported(type, Architectures.Keys);
                var (shape, map) = read(config, weights);
                return new PretrainedModel("huggingface", folder, weights, map, shape, TokenizerOf(folder))
                {
                    ChatTemplate = TemplateOf(folder),
                };
            });
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>In a file of its own, or in the tokenizer's settings, where there may be several by name.</summary>
    private static string? TemplateOf(string folder)
    {
        string own = Path.Combine(folder, "chat_template.jinja"), file = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(own)) return TextFile.Read(own, TextFile.LongestJson);
        return !File.Exists(file) ? null : JsonPart.Read<string?>(Files.ReadBytes(file), file, root =>
            root["chat_template"].Element.ValueKind == System.Text.Json.JsonValueKind.String ? root["chat_template"].Text : null);
    }

    private static Tokenizer? TokenizerOf(string folder) => TokenizerFile.IsIn(folder) ? TokenizerFile.Open(folder) : null;

    private static string Prefix(SafeTensorsWeights weights) => weights.Sizes("wte.weight") is null ? "transformer." : "";

    private static GptConfig Gpt2(JsonPart config)
    {
        Only(config["layer_norm_epsilon"], 1e-5);
        Only(config["scale_attn_by_inverse_layer_idx"], false);
        Only(config["scale_attn_weights"], true);
        var activation = config["activation_function"];
        bool isExact = activation is { IsNull: false, Text: "gelu" };
        if (!isExact && activation is { IsNull: false, Text: not ("gelu_new" or "gelu_pytorch_tanh") })
            throw activation.Unsupported(activation.Text, ["gelu", "gelu_new", "gelu_pytorch_tanh"]);
        return new GptConfig
        {
            VocabularySize = config["vocab_size"].Id,
            Context = config["n_positions"].Id,
            Layers = config["n_layer"].Id,
            Heads = config["n_head"].Id,
            Width = config["n_embd"].Id,
            Hidden = config["n_inner"].IsNull ? 0 : config["n_inner"].Id,
            GeluErf = isExact,
        };
    }

    private static LlamaConfig Llama(JsonPart config)
    {
        Only(config["attention_bias"], false);
        Only(config["mlp_bias"], false);
        if (!config["rope_scaling"].IsNull) throw config["rope_scaling"].Bad("scaled rotary positions are not supported.");
        if (config["hidden_act"] is { IsNull: false, Text: not "silu" } activation) throw activation.Unsupported(activation.Text, ["silu"]);
        var shape = new LlamaConfig
        {
            VocabularySize = config["vocab_size"].Id,
            Context = config["max_position_embeddings"].Id,
            Layers = config["num_hidden_layers"].Id,
            Heads = config["num_attention_heads"].Id,
            KvHeads = config["num_key_value_heads"].IsNull ? 0 : config["num_key_value_heads"].Id,
            Width = config["hidden_size"].Id,
            Hidden = config["intermediate_size"].Id,
            Epsilon = (float)(config["rms_norm_eps"].IsNull ? 1e-6 : config["rms_norm_eps"].Number),
            Theta = config["rope_theta"].IsNull ? 10000 : config["rope_theta"].Number,
            RotaryHalves = true,
        };
        if (config["head_dim"] is { IsNull: false } head && (shape.Heads == 0 || head.Id != shape.Width / shape.Heads))
            throw head.Bad("heads whose sizes do not add up to the width are not supported.");
        return shape;
    }

    private static void Only(JsonPart part, bool value)
    {
        if (part.Flag(value) != value) throw part.Bad($"only {(value ? "true" : "false")} is supported.");
    }

    private static void Only(JsonPart part, double value)
    {
        if (!part.IsNull && part.Number != value) throw part.Bad($"{part.Number} is not supported; only {value} is.");
    }
}
