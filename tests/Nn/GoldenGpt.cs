using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>A recorded training run of a two-layer GPT: initial values, batches, losses, first gradients and final weights.</summary>
internal sealed class GoldenGpt : IDisposable
{
    public const int Batch = 4, Context = 16, Vocabulary = 65, Width = 32;
    private readonly JsonDocument document;

    public GoldenGpt(string file) =>
        document = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", file)));

    public JsonElement Root => document.RootElement;

    public JsonElement[] Steps => [.. Root.GetProperty("steps").EnumerateArray()];

    public string[] Names => [.. Root.GetProperty("param_order").EnumerateArray().Select(n => n.GetString()!)];

    public void Dispose() => document.Dispose();

    /// <summary>The model with the recorded initial values.</summary>
    public Gpt Model(Device device)
    {
        bool tied = Root.GetProperty("model").GetProperty("tied").GetBoolean();
        var gpt = new Gpt(new GptConfig { VocabularySize = Vocabulary, Context = Context, Layers = 2, Heads = 2, Width = Width,
            TiedHead = tied }, device);
        double q = Root.GetProperty("q").GetDouble();
        foreach (string name in Names)
        {
            var values = Root.GetProperty("init_q").GetProperty(name).GetProperty("data").EnumerateArray().Select(v => v.GetDouble() / q)
                .ToArray();
            gpt[NameOf(name)].Value.CopyFrom<double>(values);
        }

        return gpt;
    }

    /// <summary>Inputs and targets of a step from 0, each (B, T).</summary>
    public (Tensor Ids, Tensor Targets) Batches(int step, Device device)
    {
        var rows = Root.GetProperty("batches")[step].GetProperty("tokens").EnumerateArray()
            .Select(r => r.EnumerateArray().Select(t => t.GetInt32()).ToArray()).ToArray();
        return (Ids(rows.SelectMany(r => r[..Context])), Ids(rows.SelectMany(r => r[1..])));

        Tensor Ids(IEnumerable<int> ids) => Tensor.From<int>(ids.ToArray(), (Batch, Context), device);
    }

    /// <summary>This engine's name for a recorded one: h0.attn.qkv.w is blocks.0.attention.qkv.weight.</summary>
    public static string NameOf(string recorded)
    {
        string name = recorded switch { "wte" => "tokens.table", "wpe" => "positions.table", _ => recorded };
        if (name[0] == 'h' && char.IsDigit(name[1])) name = "blocks." + name[1..];
        name = name.Replace("lnf.", "norm.").Replace(".ln", ".norm").Replace(".attn.", ".attention.").Replace(".proj.", ".projection.");
        bool norm = name.Contains("norm");
        return name.EndsWith(".w") ? name[..^1] + "weight" : name.EndsWith(".b") ? name[..^1] + "bias" : norm ? name[..^1] + "gain" : name;
    }
}
