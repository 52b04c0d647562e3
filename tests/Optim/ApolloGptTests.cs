using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>Five steps of a GPT by the authors' Apollo, in double precision, with the projections they drew.</summary>
public class ApolloGptTests
{
    private const double LearningRate = 0.01;

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void Losses_and_final_weights_agree(string name)
    {
        using var golden = new GoldenGpt("gpt-apollo-r4.json");
        using var device = name == "cpu" ? Device.CreateCpu(threads: 2) : Device.CreateReference();
        using var gpt = golden.Model(device);
        var recorded = golden.Names.ToDictionary(GoldenGpt.NameOf);
        var rule = Apollo.Official with { Rank = 4, Refresh = 3, Given = (p, t) => Projection(golden.Steps[t - 1], recorded[p.Name]) };
        using var updater = new Updater(gpt.Parameters(), Route.Default(rule), new UpdaterOptions { Schedule = LearningRate });
        for (int step = 0; step < golden.Steps.Length; step++)
        {
            var (ids, targets) = golden.Batches(step, device);
            double expected = golden.Steps[step].GetProperty("loss").GetDouble(), found = updater.Step(() => gpt.Loss(ids, targets)).Loss;
            double tolerance = name == "cpu" ? 1e-6 : 1e-9;
            Assert.True(Math.Abs(found - expected) <= tolerance * expected, $"loss {step}: {found:G12}, expected {expected:G12}");
        }

        foreach (var (ours, theirs) in recorded)
            CheckFinal(golden.Root.GetProperty("final").GetProperty(theirs), gpt[ours].Value.ToArray<double>(), theirs, name == "cpu");
    }

    private static double[] Projection(JsonElement step, string name) =>
        GoldenTests.Numbers(step.GetProperty("proj").GetProperty(name).GetProperty("data"));

    /// <summary>
    /// Adam divides a gradient by its own size, so that the rounding of small ones counts: in single precision weights may be off by a
    /// ten-thousandth of the way that five steps can go. A key bias has a true gradient of 0, of whose rounding noise Adam makes whole
    /// steps: there it is bounded by them, and sums that hold one are left out.
    /// </summary>
    private static void CheckFinal(JsonElement final, double[] found, string what, bool isSingle)
    {
        bool hasKeys = what.EndsWith("attn.qkv.b") && isSingle;
        var (absolute, relative) = isSingle ? (5e-4 * LearningRate, 1e-5) : (1e-12, 1e-7);
        void Near(string key, double value, double count, double size) =>
            Close(key, final.GetProperty(key).GetDouble(), value, absolute * count + relative * size);
        void Close(string key, double expected, double value, double allowed) =>
            Assert.True(Math.Abs(value - expected) <= allowed, $"{what} {key}: {value:G10}, expected {expected:G10}");
        double[] first = GoldenTests.Numbers(final.GetProperty("first")), last = GoldenTests.Numbers(final.GetProperty("last"));
        for (int i = 0; i < first.Length; i++) Close($"[{i}]", first[i], found[i], absolute + relative * Math.Abs(first[i]));
        for (int i = 1; i <= last.Length; i++) Close($"[^{i}]", last[^i], found[^i], absolute + relative * Math.Abs(last[^i]));
        if (final.TryGetProperty("all", out var all))
            foreach (var (expected, i) in GoldenTests.Numbers(all).Select((e, i) => (e, i)))
            {
                bool isKey = hasKeys && i / GoldenGpt.Width == 1;
                Close($"[{i}]", expected, found[i], isKey ? 5 * LearningRate : absolute + relative * Math.Abs(expected));
            }

        if (hasKeys) return;
        double total = found.Sum(Math.Abs), l2 = Math.Sqrt(found.Sum(x => x * x));
        Near("sum", found.Sum(), found.Length, total);
        Near("sum_abs", total, found.Length, total);
        Near("l2", l2, Math.Sqrt(found.Length), l2);
    }
}
