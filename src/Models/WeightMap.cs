namespace Mayfly;

/// <summary>Which tensors of a file make a parameter.</summary>
/// <param name="Parameter">The parameter's name; {0} in it and in the others is the number of a block.</param>
/// <param name="Tensors">The tensors, whose rows are put below each other.</param>
/// <param name="IsTransposed">True where the file has (in, out) for the parameter's (out, in).</param>
internal sealed record WeightRow(string Parameter, string[] Tensors, bool IsTransposed = false);

/// <summary>The names of an architecture's tensors in a format.</summary>
internal sealed class WeightMap
{
    private const string Block = "{0}", Head = "head.weight";
    private readonly WeightRow[] rows;

    private WeightMap(params WeightRow[] rows) => this.rows = rows;

    /// <summary>The order of the rows of queries and keys, as <see cref="LlamaConfig.RotaryHalves"/>.</summary>
    public bool RotaryHalves { get; private init; }

    /// <summary>The names of a model's own parameters.</summary>
    public static WeightMap Own { get; } =
        new(new WeightRow("tokens.table", ["tokens.table"]), new WeightRow(Head, [Head])) { IsOwn = true };

    /// <summary>True where each parameter is a tensor of its own name.</summary>
    public bool IsOwn { get; private init; }

    /// <summary>The tensor of the head, which may be missing where the token table is it.</summary>
    public string HeadTensor => rows.Single(row => row.Parameter == Head).Tensors[0];

    /// <summary>The tensor of the token table.</summary>
    public string TokenTensor => rows[0].Tensors[0];

    /// <summary>GPT-2 with Hugging Face's names, whose layers are transposed (Conv1D).</summary>
    /// <param name="prefix">What is before the names: "transformer." or nothing.</param>
    public static WeightMap HuggingFaceGpt2(string prefix) => new(
        new WeightRow("tokens.table", [$"{prefix}wte.weight"]),
        new WeightRow("positions.table", [$"{prefix}wpe.weight"]),
        new WeightRow("blocks.{0}.norm1.gain", [$"{prefix}h.{{0}}.ln_1.weight"]),
        new WeightRow("blocks.{0}.norm1.bias", [$"{prefix}h.{{0}}.ln_1.bias"]),
        new WeightRow("blocks.{0}.attention.qkv.weight", [$"{prefix}h.{{0}}.attn.c_attn.weight"], IsTransposed: true),
        new WeightRow("blocks.{0}.attention.qkv.bias", [$"{prefix}h.{{0}}.attn.c_attn.bias"]),
        new WeightRow("blocks.{0}.attention.projection.weight", [$"{prefix}h.{{0}}.attn.c_proj.weight"], IsTransposed: true),
        new WeightRow("blocks.{0}.attention.projection.bias", [$"{prefix}h.{{0}}.attn.c_proj.bias"]),
        new WeightRow("blocks.{0}.norm2.gain", [$"{prefix}h.{{0}}.ln_2.weight"]),
        new WeightRow("blocks.{0}.norm2.bias", [$"{prefix}h.{{0}}.ln_2.bias"]),
        new WeightRow("blocks.{0}.mlp.fc.weight", [$"{prefix}h.{{0}}.mlp.c_fc.weight"], IsTransposed: true),
        new WeightRow("blocks.{0}.mlp.fc.bias", [$"{prefix}h.{{0}}.mlp.c_fc.bias"]),
        new WeightRow("blocks.{0}.mlp.projection.weight", [$"{prefix}h.{{0}}.mlp.c_proj.weight"], IsTransposed: true),
        new WeightRow("blocks.{0}.mlp.projection.bias", [$"{prefix}h.{{0}}.mlp.c_proj.bias"]),
        new WeightRow("norm.gain", [$"{prefix}ln_f.weight"]),
        new WeightRow("norm.bias", [$"{prefix}ln_f.bias"]),
        new WeightRow(Head, ["lm_head.weight"]));

    /// <summary>GPT-2 with GGUF's names.</summary>
    public static WeightMap GgufGpt2 { get; } = new(
        new WeightRow("tokens.table", ["token_embd.weight"]),
        new WeightRow("positions.table", ["position_embd.weight"]),
        new WeightRow("blocks.{0}.norm1.gain", ["blk.{0}.attn_norm.weight"]),
        new WeightRow("blocks.{0}.norm1.bias", ["blk.{0}.attn_norm.bias"]),
        new WeightRow("blocks.{0}.attention.qkv.weight", ["blk.{0}.attn_qkv.weight"]),
        new WeightRow("blocks.{0}.attention.qkv.bias", ["blk.{0}.attn_qkv.bias"]),
        new WeightRow("blocks.{0}.attention.projection.weight", ["blk.{0}.attn_output.weight"]),
        new WeightRow("blocks.{0}.attention.projection.bias", ["blk.{0}.attn_output.bias"]),
        new WeightRow("blocks.{0}.norm2.gain", ["blk.{0}.ffn_norm.weight"]),
        new WeightRow("blocks.{0}.norm2.bias", ["blk.{0}.ffn_norm.bias"]),
        new WeightRow("blocks.{0}.mlp.fc.weight", ["blk.{0}.ffn_up.weight"]),
        new WeightRow("blocks.{0}.mlp.fc.bias", ["blk.{0}.ffn_up.bias"]),
        new WeightRow("blocks.{0}.mlp.projection.weight", ["blk.{0}.ffn_down.weight"]),
        new WeightRow("blocks.{0}.mlp.projection.bias", ["blk.{0}.ffn_down.bias"]),
        new WeightRow("norm.gain", ["output_norm.weight"]),
        new WeightRow("norm.bias", ["output_norm.bias"]),
        new WeightRow(Head, ["output.weight"]));

    /// <summary>Llama with Hugging Face's names.</summary>
    public static WeightMap HuggingFaceLlama { get; } = Llama(
        "model.embed_tokens.weight", "model.layers.{0}.input_layernorm.weight", "model.layers.{0}.self_attn.#_proj.weight",
        "model.layers.{0}.self_attn.o_proj.weight", "model.layers.{0}.post_attention_layernorm.weight",
        "model.layers.{0}.mlp.#_proj.weight", "model.norm.weight", "lm_head.weight", halves: true);

    /// <summary>Llama with GGUF's names.</summary>
    public static WeightMap GgufLlama { get; } = Llama(
        "token_embd.weight", "blk.{0}.attn_norm.weight", "blk.{0}.attn_#.weight", "blk.{0}.attn_output.weight", "blk.{0}.ffn_norm.weight",
        "blk.{0}.ffn_#.weight", "output_norm.weight", "output.weight", halves: false);

    private static WeightMap Llama(
        string tokens, string norm1, string attention, string projection, string norm2, string mlp, string norm, string head,
        bool halves) => new(
        new WeightRow("tokens.table", [tokens]),
        new WeightRow("blocks.{0}.norm1.gain", [norm1]),
        new WeightRow("blocks.{0}.attention.qkv.weight", [.. "qkv".Select(part => attention.Replace("#", $"{part}"))]),
        new WeightRow("blocks.{0}.attention.projection.weight", [projection]),
        new WeightRow("blocks.{0}.norm2.gain", [norm2]),
        new WeightRow("blocks.{0}.mlp.gate.weight", [mlp.Replace("#", "gate")]),
        new WeightRow("blocks.{0}.mlp.up.weight", [mlp.Replace("#", "up")]),
        new WeightRow("blocks.{0}.mlp.down.weight", [mlp.Replace("#", "down")]),
        new WeightRow("norm.gain", [norm]),
        new WeightRow(Head, [head])) { RotaryHalves = halves };

    /// <summary>What makes each parameter of a model of some blocks.</summary>
    public Dictionary<string, WeightRow> Of(int blocks)
    {
        var all = new Dictionary<string, WeightRow>(StringComparer.Ordinal);
        foreach (var row in rows)
            for (int i = 0; i < (row.Parameter.Contains(Block) ? blocks : 1); i++) all.Add(At(row.Parameter, i), Numbered(row, i));
        return all;
    }

    private static WeightRow Numbered(WeightRow row, int block) =>
        row with { Parameter = At(row.Parameter, block), Tensors = [.. row.Tensors.Select(name => At(name, block))] };

    private static string At(string name, int block) =>
        name.Replace(Block, block.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
