using System.Text.Json.Nodes;

namespace Mayfly;

/// <summary>The adapter of a layer under its name in Hugging Face's models.</summary>
/// <param name="Module">The layer, as <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">What the product of both matrices is multiplied by.</param>
/// <param name="A">(r, In).</param>
/// <param name="B">(Out, r).</param>
internal sealed record NamedAdapter(string Module, int Rank, float Scale, float[] A, float[] B)
{
    private const string Prefix = "base_model.model.";

    public int Inputs => A.Length / Rank;

    public int Outputs => B.Length / Rank;

    /// <summary>The name of a tensor in PEFT's files.</summary>
    public string NameOf(char matrix) => NameOf(Module, matrix);

    /// <summary>The name of a tensor of a layer in PEFT's files.</summary>
    public static string NameOf(string module, char matrix) => $"{Prefix}{module}.lora_{matrix}.weight";
}

/// <summary>PEFT's adapter_config.json.</summary>
/// <param name="Rank">The usual rank.</param>
/// <param name="Alpha">The usual alpha.</param>
/// <param name="Alphas">Other ones, by the ends of layers' names.</param>
/// <param name="Dropout">The part of the inputs that training sets to zero.</param>
internal sealed record LoraConfig(int Rank, double Alpha, IReadOnlyList<(string Layer, double Alpha)> Alphas, float Dropout)
{
    /// <summary>What changes an adapter's result and is not done here.</summary>
    private static readonly string[] Refused = ["use_dora", "use_rslora", "lora_bias"];

    /// <summary>Reads one; ranks are those of the tensors.</summary>
    /// <exception cref="BadFileException">It is damaged, or asks for what is not supported.</exception>
    public static LoraConfig Read(JsonPart root)
    {
        if (root["peft_type"].Text != "LORA") throw root["peft_type"].Unsupported(root["peft_type"].Text, ["LORA"]);
        foreach (string name in Refused)
            if (root[name].Flag(false)) throw root[name].Bad("it is not supported; only false is.");
        if (root["bias"] is { IsNull: false, Text: not "none" } bias) throw bias.Unsupported(bias.Text, ["none"]);
        if (root["modules_to_save"].Items.Any()) throw root["modules_to_save"].Bad("layers beside adapters are not supported.");
        int rank = root["r"].Id;
        double alpha = root["lora_alpha"].Number, dropout = root["lora_dropout"].IsNull ? 0 : root["lora_dropout"].Number;
        if (rank < 1) throw root["r"].Bad("a rank above 0 is needed.");
        if (!(alpha > 0 && double.IsFinite(alpha))) throw root["lora_alpha"].Bad("a number above 0 is needed.");
        if (!(dropout >= 0 && dropout < 1)) throw root["lora_dropout"].Bad("a part in [0, 1) is needed.");
        var alphas = root["alpha_pattern"].IsNull ? [] : root["alpha_pattern"].Properties.Select(p => (p.Name, p.Value.Number)).ToList();
        return new LoraConfig(rank, alpha, alphas, (float)dropout);
    }

    /// <summary>The alpha of a layer.</summary>
    public double AlphaOf(string layer)
    {
        foreach (var (name, alpha) in Alphas)
            if (layer == name || layer.EndsWith($".{name}", StringComparison.Ordinal)) return alpha;
        return Alpha;
    }

    /// <summary>As PEFT reads it: what most adapters have, and patterns for others.</summary>
    public static JsonObject Write(IReadOnlyList<NamedAdapter> adapters, string? baseModel, bool isGpt)
    {
        var usual = adapters.GroupBy(a => (a.Rank, a.Scale)).OrderByDescending(group => group.Count()).First().Key;
        JsonObject ranks = [], alphas = [];
        foreach (var adapter in adapters.Where(a => (a.Rank, a.Scale) != usual))
        {
            ranks.Add(adapter.Module, adapter.Rank);
            alphas.Add(adapter.Module, AlphaOf(adapter.Rank, adapter.Scale));
        }

        return new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["r"] = usual.Rank,
            ["lora_alpha"] = AlphaOf(usual.Rank, usual.Scale),
            ["lora_dropout"] = 0,
            ["target_modules"] = new JsonArray([.. adapters.Select(a => JsonValue.Create(a.Module))]),
            ["rank_pattern"] = ranks,
            ["alpha_pattern"] = alphas,
            ["fan_in_fan_out"] = isGpt,
            ["bias"] = "none",
            ["inference_mode"] = true,
        };
    }

    private static double AlphaOf(int rank, float scale) => Math.Round((double)scale * rank, 5);
}
