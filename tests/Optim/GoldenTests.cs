using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>PyTorch's own traces: the parameters after each of twelve steps of given gradients.</summary>
public class GoldenTests
{
    internal static readonly JsonElement problems = Load("problems").GetProperty("problems");

    public static TheoryData<string, UpdateMode> Files
    {
        get
        {
            var data = new TheoryData<string, UpdateMode>();
            foreach (var file in new[] { "adamw-torch", "adamw-torch-lrsched", "sgd-nesterov", "sgd-plain-l2" })
                foreach (var mode in Enum.GetValues<UpdateMode>()) data.Add(file, mode);
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
        Follow(device, file, mode, 1e-12, 1e-10);
    }

    private static void Follow(Device device, string file, UpdateMode mode, double absolute, double relative)
    {
        var golden = Load(file);
        var hyper = golden.GetProperty("hyper");
        foreach (var trace in golden.GetProperty("traces").EnumerateArray())
        {
            var problem = problems.GetProperty(trace.GetProperty("problem").GetString()!);
            using var scope = device.Scope("golden");
            using var weight = new Parameter("w", Values(device, problem, problem.GetProperty("init_q")), Role.Hidden);
            using var updater = new Updater([weight], RuleTable.Everywhere(RuleOf(hyper), mode));
            foreach (var step in trace.GetProperty("steps").EnumerateArray())
            {
                int t = step.GetProperty("t").GetInt32();
                var gradient = Values(device, problem, problem.GetProperty("grads_q")[t - 1]);
                updater.Begin(RateOf(hyper, t));
                using (var tape = Tape.Record(device)) updater.Backward(tape, (weight.Value * gradient).Sum());
                updater.End();
                Near(Numbers(step.GetProperty("params")), weight.Value.ToArray<double>(), absolute, relative, $"{file} {mode} step {t}");
            }
        }
    }

    private static Rule RuleOf(JsonElement hyper)
    {
        double Number(string name) => hyper.GetProperty(name).GetDouble();
        return hyper.TryGetProperty("betas", out var betas)
            ? new AdamW
            {
                Beta1 = betas[0].GetDouble(), Beta2 = betas[1].GetDouble(), Epsilon = Number("eps"), WeightDecay = Number("weight_decay"),
            }
            : new Sgd
            {
                Momentum = Number("momentum"), Nesterov = hyper.GetProperty("nesterov").GetBoolean(), WeightDecay = Number("weight_decay"),
                Dampening = Number("dampening"),
            };
    }

    private static double RateOf(JsonElement hyper, int t) =>
        hyper.TryGetProperty("lr_per_step", out var rates) ? rates[t - 1].GetDouble() : hyper.GetProperty("lr").GetDouble();

    internal static Tensor Values(Device device, JsonElement problem, JsonElement integers)
    {
        long[] shape = [.. problem.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];
        double[] values = [.. Numbers(integers).Select(x => x / 1024)];
        return Tensor.From<double>(values, new Shape(shape), device);
    }

    internal static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetDouble())];

    internal static void Near(double[] expected, double[] actual, double absolute, double relative, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(
                Math.Abs(actual[i] - expected[i]) <= absolute + relative * Math.Abs(expected[i]),
                $"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R} (off by {actual[i] - expected[i]:E2})");
    }

    internal static JsonElement Load(string name) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", name + ".json"))).RootElement;
}
