using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>
/// The whole Llama, with grouped heads and a tied head, against a run of an independent scalar program in double precision: first scores,
/// norms of gradients, losses and the weights after six AdamW steps.
/// </summary>
public class GoldenLlamaTests
{
    private const string File = "llama-adamw.json";

    [Theory]
    [InlineData("reference", UpdateMode.Deferred)]
    [InlineData("cpu", UpdateMode.Deferred)]
    [InlineData("cpu", UpdateMode.Eager)]
    public void Losses_gradients_and_final_weights_agree(string name, UpdateMode mode)
    {
        using var document = JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", File)));
        var golden = document.RootElement;
        bool exact = name == "reference";
        using var device = exact ? Device.CreateReference() : Device.CreateCpu(threads: 2);
        using var model = Model(golden, device);
        var hyper = golden.GetProperty("hyper");
        var rule = new AdamW { Beta1 = Number(hyper, "beta1"), Beta2 = Number(hyper, "beta2"), Epsilon = Number(hyper, "eps"),
            WeightDecay = Number(hyper, "weight_decay") };
        using var updater = new Updater(model.Parameters(), Route.Default(rule, mode),
            new UpdaterOptions { Schedule = Number(hyper, "lr") });
        CheckFirst(golden, model, exact ? 1e-7 : 2e-5);

        var steps = golden.GetProperty("steps");
        for (int step = 0; step < steps.GetArrayLength(); step++)
        {
            var report = updater.Step(() => Loss(golden, model, step));
            Near(Number(steps[step], "loss"), report.Loss, exact ? 1e-7 : 2e-6, $"loss {step}");
            double norm = Math.Sqrt(Norms(steps[step]).Values.Sum(n => n * n));
            Near(norm, report.GradientNorm, exact ? 1e-6 : 1e-5, $"norm {step}");
        }

        foreach (var parameter in model.Parameters()) CheckFinal(golden, parameter, exact ? 1e-7 : 1e-5);
    }

    private static LanguageModel Model(JsonElement golden, Device device)
    {
        var shape = golden.GetProperty("model");
        int Whole(string name) => shape.GetProperty(name).GetInt32();
        var config = new LlamaConfig
        {
            VocabularySize = Whole("vocabulary"),
            Context = Whole("context"),
            Layers = Whole("layers"),
            Heads = Whole("heads"),
            KvHeads = Whole("kv_heads"),
            Width = Whole("width"),
            Hidden = Whole("hidden"),
            TiedHead = shape.GetProperty("tied").GetBoolean(),
            RotaryHalves = shape.GetProperty("rotary_halves").GetBoolean(),
            Theta = Number(shape, "theta"),
            Epsilon = (float)Number(shape, "epsilon"),
        };
        var model = config.Create(device);
        double q = Number(golden, "q");
        var init = golden.GetProperty("init_q");
        Assert.Equal(init.EnumerateObject().Select(p => p.Name).Order(), model.Parameters().Select(p => p.Name).Order());
        foreach (var parameter in model.Parameters())
            parameter.Value.CopyFrom<double>([.. Numbers(init.GetProperty(parameter.Name)).Select(v => v / q)]);
        return model;
    }

    private static void CheckFirst(JsonElement golden, LanguageModel model, double tolerance)
    {
        var first = golden.GetProperty("steps")[0];
        using var tape = Tape.Record(model.Device);
        var (ids, targets) = Batch(golden, 0, model.Device);
        var logits = model.Logits(ids);
        double[] expected = Numbers(first.GetProperty("logits_first")), found = logits.ToArray<double>();
        for (int i = 0; i < expected.Length; i++) Near(expected[i], found[i], tolerance, $"score {i}", scale: 1);
        var norms = Norms(first);
        tape.Backward(logits.CrossEntropy(targets), (Parameter p, ref Gradient g) =>
            Near(norms[p.Name], Math.Sqrt(g.Value!.ToArray<double>().Sum(v => v * v)), tolerance, p.Name));
    }

    private static void CheckFinal(JsonElement golden, Parameter parameter, double tolerance)
    {
        double[] expected = Numbers(golden.GetProperty("final").GetProperty(parameter.Name)), found = parameter.Value.ToArray<double>();
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++) Near(expected[i], found[i], tolerance, $"{parameter.Name}[{i}]", scale: 1);
    }

    private static Tensor Loss(JsonElement golden, LanguageModel model, int step)
    {
        var (ids, targets) = Batch(golden, step, model.Device);
        return model.Loss(ids, targets);
    }

    private static (Tensor Ids, Tensor Targets) Batch(JsonElement golden, int step, Device device)
    {
        int[][] rows = [.. golden.GetProperty("batches")[step].EnumerateArray().Select(row =>
            row.EnumerateArray().Select(t => t.GetInt32()).ToArray())];
        return (Ids(rows.SelectMany(row => row[..^1])), Ids(rows.SelectMany(row => row[1..])));

        Tensor Ids(IEnumerable<int> ids) => Tensor.From<int>(ids.ToArray(), (rows.Length, rows[0].Length - 1), device);
    }

    private static Dictionary<string, double> Norms(JsonElement step) =>
        step.GetProperty("grad_norms").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetDouble());

    private static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(v => v.GetDouble())];

    private static double Number(JsonElement owner, string name) => owner.GetProperty(name).GetDouble();

    private static void Near(double expected, double found, double tolerance, string what, double scale = 0) =>
        Assert.True(Math.Abs(expected - found) <= tolerance * Math.Max(scale, Math.Abs(expected)),
            $"{what}: {found:G12}, expected {expected:G12}");
}
