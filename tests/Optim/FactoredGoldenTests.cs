using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>
/// The references' own traces of LOMO, AdaLomo and Adafactor. All problems of a file are stepped together, since one file clips their common norm.
/// </summary>
public class FactoredGoldenTests
{
    public static TheoryData<string, UpdateMode> Files
    {
        get
        {
            var data = new TheoryData<string, UpdateMode>();
            string[] files = ["lomo-f64", "adalomo-f32", "adalomo-f64", "adafactor-hf-lr-open", "adafactor-hf-rel-open", "adafactor-torch-open"];
            foreach (string file in files)
                foreach (var mode in Enum.GetValues<UpdateMode>()) data.Add(file, mode);
            foreach (var mode in Enum.GetValues<UpdateMode>()) data.Add("adalomo-f64-clip-wd", mode); // the authors' two sweeps
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Float_engine_follows_the_trace(string file, UpdateMode mode)
    {
        using var device = Device.CreateCpu(threads: 1);
        Follow(device, file, mode, 2e-6, 1e-5);
    }

    /// <summary>In double precision only the hyper-parameters, which the formulas hold as floats, limit the agreement.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public void Double_engine_follows_the_trace(string file, UpdateMode mode)
    {
        using var device = Device.CreateReference();
        double tolerance = file == "adalomo-f32" ? 1e-6 : 1e-7; // one trace is itself in single precision
        Follow(device, file, mode, tolerance, tolerance);
    }

    private static void Follow(Device device, string file, UpdateMode mode, double absolute, double relative)
    {
        var golden = GoldenTests.Load(file);
        var hyper = golden.GetProperty("hyper");
        using var scope = device.Scope("golden");
        JsonElement[] traces = [.. golden.GetProperty("traces").EnumerateArray()];
        Parameter[] weights = [.. traces.Select((t, i) => Weight(device, t, i))];
        double? maxNorm = Number(hyper, "clip_grad_norm");
        var clip = maxNorm is not null && mode == UpdateMode.Eager ? ClipMode.TwoPass : ClipMode.Deferred;
        var options = new UpdaterOptions { Schedule = Number(hyper, "lr") ?? 0, MaxNorm = maxNorm, ClipMode = clip };
        using var updater = new Updater(weights, RuleTable.Everywhere(RuleOf(file, hyper), mode), options);
        for (int t = 1; t <= 12; t++)
        {
            updater.Step(() => Loss(device, weights, traces, t));
            for (int i = 0; i < weights.Length; i++) Check(weights[i], updater.States[i], traces[i], t);
        }

        foreach (var weight in weights) weight.Dispose();

        void Check(Parameter weight, RuleState state, JsonElement trace, int t)
        {
            var step = trace.GetProperty("steps")[t - 1];
            Near(step.GetProperty("params"), weight.Value, $"step {t}");
            if (!step.TryGetProperty("state", out var states)) return;
            foreach (var moment in states.EnumerateObject()) Near(moment.Value, state.Tensor(moment.Name == "col" ? "column" : moment.Name), $"{moment.Name} {t}");
        }

        void Near(JsonElement expected, Tensor actual, string what) =>
            GoldenTests.Near(GoldenTests.Numbers(expected), actual.ToArray<double>(), absolute, relative, $"{file} {mode} {what}");
    }

    private static Rule RuleOf(string file, JsonElement hyper) => file switch
    {
        _ when file.StartsWith("lomo") => new Lomo(Number(hyper, "weight_decay")!.Value),
        _ when file.StartsWith("adalomo") => new AdaLomo(
            Number(hyper, "weight_decay")!.Value, Number(hyper, "clip_threshold")!.Value, Number(hyper, "decay_rate")!.Value,
            hyper.GetProperty("eps")[0].GetDouble(), hyper.GetProperty("eps")[1].GetDouble()),
        _ when file.StartsWith("adafactor-torch") => Adafactor.Torch(Number(hyper, "weight_decay")!.Value),
        _ => Adafactor.HuggingFace(
            hyper.GetProperty("relative_step").GetBoolean(), hyper.GetProperty("scale_parameter").GetBoolean(), beta1: Number(hyper, "beta1"),
            weightDecay: Number(hyper, "weight_decay") ?? 0),
    };

    private static double? Number(JsonElement hyper, string name) =>
        hyper.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static JsonElement Problem(JsonElement trace) => GoldenTests.problems.GetProperty(trace.GetProperty("problem").GetString()!);

    private static Parameter Weight(Device device, JsonElement trace, int i) =>
        new($"w{i}", GoldenTests.Values(device, Problem(trace), Problem(trace).GetProperty("init_q")), Role.Hidden);

    private static Tensor Loss(Device device, Parameter[] weights, JsonElement[] traces, int t)
    {
        var total = Tensor.Zeros(default, device);
        for (int i = 0; i < weights.Length; i++)
            total += (weights[i].Value * GoldenTests.Values(device, Problem(traces[i]), Problem(traces[i]).GetProperty("grads_q")[t - 1])).Sum();
        return total;
    }
}
