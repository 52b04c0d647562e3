using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>
/// The references' own traces of LOMO, AdaLomo and Adafactor. All problems of a file are stepped together, since one file clips their
/// common norm.
/// </summary>
public class FactoredGoldenTests
{
    public static TheoryData<string, UpdateMode> Files
    {
        get
        {
            var data = new TheoryData<string, UpdateMode>();
            string[] files =
            [
                "lomo-f64", "adalomo-f32", "adalomo-f64", "adafactor-hf-lr-open", "adafactor-hf-rel-open", "adafactor-torch-open",
            ];
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

    [Theory]
    [MemberData(nameof(Files))]
    public void Double_engine_follows_the_trace(string file, UpdateMode mode)
    {
        using var device = Device.CreateReference();
        bool single = file == "adalomo-f32"; // a trace that is itself in single precision
        Follow(device, file, mode, single ? 2e-6 : 1e-12, single ? 2e-5 : 1e-10);
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
            foreach (var moment in states.EnumerateObject())
                Near(moment.Value, state.Tensor(moment.Name == "col" ? "column" : moment.Name), $"{moment.Name} {t}");
        }

        void Near(JsonElement expected, Tensor actual, string what) =>
            GoldenTests.Near(GoldenTests.Numbers(expected), actual.ToArray<double>(), absolute, relative, $"{file} {mode} {what}");
    }

    private static Rule RuleOf(string file, JsonElement hyper) => file switch
    {
        _ when file.StartsWith("lomo") => new Lomo { WeightDecay = Number(hyper, "weight_decay")!.Value },
        _ when file.StartsWith("adalomo") => new AdaLomo
        {
            WeightDecay = Number(hyper, "weight_decay")!.Value, ClipThreshold = Number(hyper, "clip_threshold")!.Value,
            DecayRate = Number(hyper, "decay_rate")!.Value,
            Epsilon1 = hyper.GetProperty("eps")[0].GetDouble(), Epsilon2 = hyper.GetProperty("eps")[1].GetDouble(),
        },
        _ when file.StartsWith("adafactor-torch") => Adafactor.Torch with { WeightDecay = Number(hyper, "weight_decay")!.Value },
        _ => Adafactor.HuggingFace with
        {
            RelativeStep = hyper.GetProperty("relative_step").GetBoolean(),
            ScaleParameter = hyper.GetProperty("scale_parameter").GetBoolean(),
            Beta1 = Number(hyper, "beta1"), WeightDecay = Number(hyper, "weight_decay") ?? 0,
        },
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
            total += (weights[i].Value * GoldenTests.Values(device, Problem(traces[i]), Problem(traces[i]).GetProperty("grads_q")[t - 1]))
                .Sum();
        return total;
    }
}
