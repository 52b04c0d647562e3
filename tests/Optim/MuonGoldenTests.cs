using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>The published implementations' own traces of Muon, and of its orthogonalisation.</summary>
public class MuonGoldenTests
{
    private const double Rate = 0.02;
    private static readonly AdamW aux = new() { Beta2 = 0.95, Epsilon = 1e-10 };

    private static readonly Dictionary<string, OrthogonalMomentum> presets = new()
    {
        ["muon-kj-f64-open"] = Muon.KellerJordan with { WeightDecay = 0.01 },
        ["muon-kj-auxadam-f64"] = Muon.KellerJordan with { WeightDecay = 0.01, Fallback = aux },
        ["muon-moonlight-f64"] = Muon.Moonlight,
        ["muon-torch-original-f64-open"] = Muon.Torch,
        ["muon-torch-match_rms_adamw-f64-open"] = Muon.Torch with { Scale = MuonScale.MatchRms },
        ["muon-julia-pr203-open"] = Muon.Julia,
        ["muon-julia-cannotwait-open"] = new Muon(),
        ["muon-dion-perhead2-f64-open"] = Muon.Dion with { Nesterov = true, Scale = MuonScale.MatchRms, Split = 2 },
        ["normuon-official-f64-open"] = NorMuon.Official with { WeightDecay = 0.01 },
        ["normuon-dion-f64-open"] = NorMuon.Dion,
        ["normuon-dion-cautious-f64-open"] =
            NorMuon.Dion with { Nesterov = true, Scale = MuonScale.MatchRms, Cautious = true, WeightDecay = 0.5 },
        ["normuon-dion-perhead2-f64-open"] = NorMuon.Dion with { Nesterov = true, Scale = MuonScale.MatchRms, Split = 2 },
        ["normuon-nanochat-f64-open"] = NorMuon.Nanochat,
    };

    public static TheoryData<string, UpdateMode> Files
    {
        get
        {
            var data = new TheoryData<string, UpdateMode>();
            foreach (var file in presets.Keys)
                foreach (var mode in Enum.GetValues<UpdateMode>()) data.Add(file, mode);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Float_engine_follows_the_trace(string file, UpdateMode mode)
    {
        using var device = Device.CreateCpu(threads: 1);
        Follow(device, file, presets[file], mode, 2e-6, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Double_engine_follows_the_trace(string file, UpdateMode mode)
    {
        using var device = Device.CreateReference();
        Follow(device, file, presets[file], mode, 1e-11, 1e-8);
    }

    /// <summary>
    /// The default's momentum takes (1 - momentum) g, Optimisers.jl's g: the same direction, and the same steps but for the norm's
    /// epsilon.
    /// </summary>
    [Fact]
    public void Both_forms_of_the_momentum_make_the_same_steps()
    {
        using var device = Device.CreateReference();
        Follow(device, "muon-julia-pr203-open", new Muon(), UpdateMode.Eager, 2e-6, 1e-5);
    }

    /// <summary>A reference whose Newton-Schulz runs in bfloat16 moves each parameter the same way, with that type's noise.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_point_where_a_half_precision_reference_points(bool rounded)
    {
        using var device = Device.CreateCpu(threads: 1);
        var rule = presets["muon-kj-f64-open"] with { NewtonSchulz = new() { Bfloat16 = rounded } };
        foreach (var trace in GoldenTests.Load("muon-kj-bf16-open").GetProperty("traces").EnumerateArray())
        {
            double[]? theirs = null, ours = null;
            Walk(device, trace, rule, UpdateMode.Eager, Rate, (t, expected, actual) =>
            {
                if (theirs is not null) Agree(Difference(expected, theirs), Difference(actual, ours!), t);
                (theirs, ours) = (expected, actual);
            });
        }
    }

    /// <summary>
    /// The bounds of a float engine are those of the golden files' page: Polar Express lifts rounding noise about 990 times.
    /// </summary>
    [Theory]
    [InlineData("ns5", NewtonSchulzSeries.Same, 5, 1e-7, 2e-6, 1e-5, 1e-11)]
    [InlineData("polar-express-dion-open", NewtonSchulzSeries.PolarExpress, 5, 1e-6, 5e-5, 0, 1e-11)]
    [InlineData("polar-express-paper5-open", NewtonSchulzSeries.PolarExpressPaper, 5, 1e-7, 5e-5, 0, 1e-11)]
    [InlineData("polar-express-paper10-open", NewtonSchulzSeries.PolarExpressPaper, 10, 1e-7, 1e-3, 0, 1e-9)]
    public void Newton_Schulz_matches_the_reference(
        string file, NewtonSchulzSeries series, int steps, double epsilon, double absolute, double relative, double absoluteInDouble)
    {
        var rule = new NewtonSchulz { Series = series, Steps = steps, Epsilon = epsilon };
        using Device reference = Device.CreateReference(), cpu = Device.CreateCpu(threads: 1);
        foreach (var item in GoldenTests.Load(file).GetProperty("cases").EnumerateArray())
            foreach (var (device, atMost, share) in new[] { (reference, absoluteInDouble, 1e-9), (cpu, absolute, relative) })
            {
                using var scope = device.Scope("golden");
                double[] expected = GoldenTests.Numbers(item.GetProperty("out"));
                var actual = rule.Run(GoldenTests.Values(device, item, item.GetProperty("g_q"))).ToArray<double>();
                GoldenTests.Near(
                    expected, actual, atMost, share, $"{file} {device.Name} {item.GetProperty("shape")}");
            }
    }

    private static void Follow(
        Device device, string file, OrthogonalMomentum rule, UpdateMode mode, double absolute, double relative)
    {
        var golden = GoldenTests.Load(file);
        double rate = golden.GetProperty("hyper").TryGetProperty("lr", out var own) ? own.GetDouble() : Rate;
        foreach (var trace in golden.GetProperty("traces").EnumerateArray())
            Walk(device, trace, rule, mode, rate, (t, expected, actual) =>
                GoldenTests.Near(expected, actual, absolute, relative, $"{file} {trace.GetProperty("problem")} {mode} step {t}"));
    }

    private static void Walk(
        Device device, JsonElement trace, OrthogonalMomentum rule, UpdateMode mode, double rate, Action<int, double[], double[]> check)
    {
        var problem = GoldenTests.Load("problems").GetProperty("problems").GetProperty(trace.GetProperty("problem").GetString()!);
        using var scope = device.Scope("golden");
        using var weight = new Parameter("w", GoldenTests.Values(device, problem, problem.GetProperty("init_q")), Role.Hidden);
        using var updater = new Updater([weight], RuleTable.Everywhere(rule, mode), new UpdaterOptions { Schedule = rate });
        foreach (var step in trace.GetProperty("steps").EnumerateArray())
        {
            int t = step.GetProperty("t").GetInt32();
            var gradient = GoldenTests.Values(device, problem, problem.GetProperty("grads_q")[t - 1]);
            updater.Step(() => (weight.Value * gradient).Sum());
            check(t, GoldenTests.Numbers(step.GetProperty("params")), weight.Value.ToArray<double>());
        }
    }

    private static void Agree(double[] expected, double[] actual, int step)
    {
        double dot = expected.Zip(actual, (x, y) => x * y).Sum(), lengths = Math.Sqrt(expected.Sum(x => x * x) * actual.Sum(x => x * x));
        Assert.True(dot >= 0.99 * lengths, $"step {step}: cosine {dot / lengths}");
        double off = Difference(expected, actual).Max(Math.Abs);
        Assert.True(off <= 0.2 * Rate, $"step {step}: off by {off / Rate} learning rates");
    }

    private static double[] Difference(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];
}
