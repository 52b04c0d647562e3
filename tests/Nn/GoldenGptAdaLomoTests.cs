using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>
/// The whole model with a tied head, stepped by AdaLomo inside the sweep, against a run recorded with PyTorch in double precision. An
/// engine that steps the shared table at each of its two uses fails this.
/// </summary>
public class GoldenGptAdaLomoTests
{
    private const double LearningRate = 2e-3;

    [Theory]
    [InlineData("cpu", UpdateMode.Eager)]
    [InlineData("cpu", UpdateMode.Deferred)]
    [InlineData("reference", UpdateMode.Eager)]
    public void Losses_and_final_weights_agree(string name, UpdateMode mode)
    {
        using var golden = new GoldenGpt("gpt-adalomo-tied-eager.json");
        using var device = name == "cpu" ? Device.CreateCpu(threads: 2) : Device.CreateReference();
        using var gpt = golden.Model(device);
        var route = RuleTable.Everywhere(new AdaLomo { WeightDecay = 0.01 }, mode);
        using var updater = new Updater(gpt.Parameters(), route, new UpdaterOptions { Schedule = LearningRate });
        for (int step = 0; step < golden.Steps.Length; step++)
        {
            var report = updater.Step(() => Loss(golden, gpt, step));
            Near(Number(golden.Steps[step], "loss"), report.Loss, 0, name == "cpu" ? 1e-6 : 1e-9, $"loss {step}");
            Near(Number(golden.Steps[step], "total_grad_norm"), report.GradientNorm, 0, name == "cpu" ? 1e-5 : 1e-8, $"norm {step}");
        }

        foreach (string recorded in golden.Names)
        {
            var (absolute, relative) = name == "cpu" ? (2e-6, 1e-5) : (1e-12, 1e-7);
            CheckFinal(golden, recorded, gpt[GoldenGpt.NameOf(recorded)].Value.ToArray<double>(), absolute, relative);
        }
    }

    private static Tensor Loss(GoldenGpt golden, Gpt gpt, int step)
    {
        var (ids, targets) = golden.Batches(step, gpt.Device);
        return gpt.Loss(ids, targets);
    }

    /// <summary>
    /// A key bias shifts all scores of a query alike: its true gradient is 0 and the rule turns rounding noise into steps. The record's, in
    /// double precision, is damped by epsilon1; a float's is not: step t is at most t^0.4 times the learning rate and the biases' root mean
    /// square. All steps of a tensor are divided by their root mean square, which the keys' noise is a part of, by its square: 1e-3 of a
    /// step moves the others' by up to 3e-7 of it.
    /// </summary>
    private static void CheckFinal(GoldenGpt golden, string recorded, double[] found, double absolute, double relative)
    {
        var final = golden.Root.GetProperty("final").GetProperty(recorded);
        bool hasKeys = recorded.EndsWith("attn.qkv.b");
        double size = LearningRate * Math.Max(1e-3, Math.Sqrt(found.Sum(x => x * x) / found.Length) * 1.1), single = absolute > 1e-7 ? 1
            : 1e-3;
        if (hasKeys) relative = Math.Max(relative, 4e-7);
        double noise = single * size * Enumerable.Range(1, golden.Steps.Length).Sum(t => Math.Pow(t, 0.4));
        if (final.TryGetProperty("all", out var all))
            for (int i = 0; i < found.Length; i++)
                Near(all[i].GetDouble(), found[i], hasKeys && i / GoldenGpt.Width == 1 ? noise : absolute, relative, $"{recorded}[{i}]");
        if (hasKeys) return;
        Near(Number(final, "sum"), found.Sum(), absolute, relative, $"sum of {recorded}");
        Near(Number(final, "sum_abs"), found.Sum(Math.Abs), absolute, relative, $"sum of magnitudes of {recorded}");
        Near(Number(final, "l2"), Math.Sqrt(found.Sum(x => x * x)), absolute, relative, $"norm of {recorded}");
        for (int i = 0; i < 6; i++)
        {
            Near(final.GetProperty("first")[i].GetDouble(), found[i], absolute, relative, $"{recorded}[{i}]");
            Near(final.GetProperty("last")[i].GetDouble(), found[found.Length - 6 + i], absolute, relative, $"{recorded}[-{6 - i}]");
        }
    }

    private static double Number(JsonElement element, string name) => element.GetProperty(name).GetDouble();

    private static void Near(double expected, double found, double absolute, double relative, string what) =>
        Assert.True(Math.Abs(found - expected) <= absolute + relative * Math.Abs(expected),
            $"{what}: {found:G12}, expected {expected:G12}");
}
