using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>The published implementations' own traces of Apollo and NormGrowthCap, with the projections they drew.</summary>
public class ApolloGoldenTests
{
    private static readonly string[] files =
    [
        "apollo-official-r2", "apollo-official-r2-nolimiter", "apollo-official-r2-spiky", "apollo-official-r4-wd", "apollo-official-mini",
        "apollo-official-mini-front", "apollo-seedpy-r1-open", "apollo-seedpy-r2-open", "apollo-julia-open", "normgrowthcap-sgd",
        "normgrowthcap-sgd-tau1p1-lb",
    ];

    public static IEnumerable<object[]> Files => files.SelectMany(f => new object[][] { [f, false], [f, true] });

    [Theory]
    [MemberData(nameof(Files))]
    public void Float_engine_follows_the_trace(string file, bool stored)
    {
        using var device = Device.CreateCpu(threads: 1);
        Follow(device, file, stored, 2e-6, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Double_engine_follows_the_trace(string file, bool stored)
    {
        using var device = Device.CreateReference();
        Follow(device, file, stored, 1e-12, 1e-10);
    }

    private static void Follow(Device device, string file, bool stored, double absolute, double relative)
    {
        var golden = GoldenTests.Load(file);
        var hyper = golden.GetProperty("hyper");
        double rate = hyper.GetProperty(hyper.TryGetProperty("lr", out _) ? "lr" : "eta").GetDouble();
        foreach (var trace in golden.GetProperty("traces").EnumerateArray())
        {
            var problem = GoldenTests.problems.GetProperty(trace.GetProperty("problem").GetString()!);
            JsonElement[] steps = [.. trace.GetProperty("steps").EnumerateArray()];
            using var scope = device.Scope("golden");
            using var weight = new Parameter("w", GoldenTests.Values(device, problem, problem.GetProperty("init_q")), Role.Hidden);
            using var updater = new Updater([weight], RuleTable.Everywhere(RuleOf(file, hyper, steps, stored), UpdateMode.Eager));
            foreach (var step in steps)
            {
                int t = step.GetProperty("t").GetInt32();
                var gradient = GoldenTests.Values(device, problem, problem.GetProperty("grads_q")[t - 1]);
                updater.Begin(rate);
                using (var tape = Tape.Record(device)) updater.Backward(tape, (weight.Value * gradient).Sum());
                updater.End();
                string what = $"{file} {weight.Shape} step {t}";
                GoldenTests.Near(GoldenTests.Numbers(step.GetProperty("params")), weight.Value.ToArray<double>(), absolute, relative, what);
                if (step.TryGetProperty("state", out var moments)) CheckMoments(moments, updater.States[0], absolute, relative, what);
                if (LastNorm(step) is { } norm)
                    GoldenTests.Near([norm], [Norm(updater.States[0])], 1e-12, 100 * relative, $"{what}: last norm");
            }
        }
    }

    /// <summary>
    /// The recorded moments are of the projection's shape, (rank, channels) where it is on the left; ours are (channels, rank).
    /// </summary>
    private static void CheckMoments(JsonElement moments, RuleState state, double absolute, double relative, string what)
    {
        int[] shape = [.. moments.GetProperty("state_shape").EnumerateArray().Select(e => e.GetInt32())];
        foreach (string name in (string[])["m", "v"])
        {
            var ours = state.Tensor(name);
            double[] recorded = GoldenTests.Numbers(moments.GetProperty(name)), found = ours.ToArray<double>();
            if (shape.Length == 2 && shape[0] != ours.Shape[0])
                recorded = [.. Enumerable.Range(0, recorded.Length).Select(i => recorded[i % shape[0] * shape[1] + i / shape[0]])];
            GoldenTests.Near(recorded, found, absolute, relative, $"{what}: {name}");
        }
    }

    private static Rule RuleOf(string file, JsonElement hyper, JsonElement[] steps, bool stored)
    {
        double Number(string name) => hyper.GetProperty(name).GetDouble();
        if (file.StartsWith("normgrowthcap"))
        {
            var limit = new NormGrowthLimit
            {
                Gamma = Number("tau"), Epsilon = Number("epsilon"), LowerBound = Number("lb"), Restart = NormGrowthRestart.AtZero,
            };
            return new Chain(new NormGrowthCap { Limit = limit }, new Sgd());
        }

        int rank = hyper.GetProperty("rank").GetInt32();
        bool tensor = rank == 1 && !file.StartsWith("apollo-julia");
        var preset = file.StartsWith("apollo-julia") ? Apollo.Julia with { Refresh = (long)Number("u"), WeightDecay = Number("lam") }
            : file.StartsWith("apollo-seedpy") ? Apollo.PythonPort with
            {
                Refresh = (long)Number("proj_refresh"), WarmUpSteps = (long)Number("warmup_steps"), WeightDecay = Number("weight_decay"),
            }
            : Apollo.Official with
            {
                Alpha = Math.Sqrt(Number("scale")), Refresh = (long)Number("update_proj_gap"), WeightDecay = Number("weight_decay"),
                LimitBeforeAlpha = !hyper.GetProperty("scale_front").GetBoolean(),
                Limiter = hyper.GetProperty("disable_nl").GetBoolean() ? null : Apollo.Official.Limiter,
            };
        return preset with
        {
            Rank = rank, Scope = tensor ? ApolloScope.Tensor : ApolloScope.Channel, StoreProjection = stored,
            Given = (_, t) => Projection(steps, t, stored),
        };
    }

    /// <summary>
    /// The recorded projection in force at step t; where the rule keeps projections it must ask at the very steps at which they were
    /// drawn.
    /// </summary>
    private static double[] Projection(JsonElement[] steps, long t, bool exact)
    {
        var drawn = steps.Last(s => s.GetProperty("t").GetInt64() <= t && s.TryGetProperty("proj", out _));
        if (exact) Assert.Equal(t, drawn.GetProperty("t").GetInt64());
        return GoldenTests.Numbers(drawn.GetProperty("proj").GetProperty("data"));
    }

    private static double? LastNorm(JsonElement step) =>
        step.TryGetProperty("limiter_norm_after", out var n) || step.TryGetProperty("cap_state", out n) ? n.GetDouble() : null;

    private static double Norm(RuleState state) => state.Numbers.First(n => n.Name is "norm" or "0.norm").Value;
}
