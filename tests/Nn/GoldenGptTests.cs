namespace Mayfly.Tests;

/// <summary>
/// The whole model against a run recorded with PyTorch in double precision: logits, gradients, losses and the weights after five AdamW
/// steps. The reference device misses the record only by what single-precision constants and hyper-parameters change.
/// </summary>
public class GoldenGptTests
{
    private const double LearningRate = 3e-3;
    private const string File = "gpt-adamw-untied.json";

    public static TheoryData<string> Devices => ["cpu", "reference"];

    [Fact]
    public void Parameters_come_in_the_recorded_order()
    {
        using var golden = new GoldenGpt(File);
        using var device = Device.CreateCpu(threads: 1);
        using var gpt = golden.Model(device);
        Assert.Equal(golden.Names.Select(GoldenGpt.NameOf), gpt.Parameters().Select(p => p.Name));
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Logits_and_first_gradients_agree(string name)
    {
        using var golden = new GoldenGpt(File);
        using var device = Make(name);
        using var gpt = golden.Model(device);
        var first = golden.Steps[0];
        double tolerance = name == "cpu" ? 2e-5 : 1e-6;
        using var tape = Tape.Record(device);
        var (ids, targets) = golden.Batches(0, device);
        var logits = gpt.Logits(ids);
        Near(first.GetProperty("logits_first_row_first4").EnumerateArray().Select(v => v.GetDouble()), logits.ToArray<double>()[..4],
            tolerance, "logits");
        var gradients = new Dictionary<string, double[]>();
        tape.Backward(logits.CrossEntropy(targets), (Parameter p, ref Gradient g) => gradients.Add(p.Name, g.Value!.ToArray<double>()));
        foreach (string recorded in golden.Names)
        {
            var gradient = gradients[GoldenGpt.NameOf(recorded)];
            double norm = first.GetProperty("grad_norms").GetProperty(recorded).GetDouble();
            Near([norm], [Math.Sqrt(gradient.Sum(g => g * g))], tolerance, recorded);
            var samples = first.GetProperty("grad_samples").GetProperty(recorded).EnumerateArray().Select(v => v.GetDouble());
            Near(samples, gradient[..4], tolerance, recorded, scale: norm);
            if (!recorded.EndsWith("attn.qkv.b")) continue;
            double keys = Math.Sqrt(gradient[GoldenGpt.Width..(2 * GoldenGpt.Width)].Sum(g => g * g));
            Assert.True(keys <= (name == "cpu" ? 1e-6 : 1e-14) * norm,
                $"the keys' part of the gradient of {recorded} is {keys:G3}; it is zero but for rounding");
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Losses_and_final_weights_agree(string name)
    {
        using var golden = new GoldenGpt(File);
        using var device = Make(name);
        using var gpt = golden.Model(device);
        var rule = new AdamW { Beta1 = 0.9, Beta2 = 0.95, Epsilon = 1e-8, WeightDecay = 0.1 };
        using var updater = new Updater(gpt.Parameters(), Route.Default(rule), new UpdaterOptions { Schedule = LearningRate });
        for (int step = 0; step < golden.Steps.Length; step++)
        {
            var report = updater.Step(() => Loss(golden, gpt, step));
            Near([golden.Steps[step].GetProperty("loss").GetDouble()], [report.Loss], name == "cpu" ? 1e-6 : 1e-9, $"loss {step}");
            Near([golden.Steps[step].GetProperty("total_grad_norm").GetDouble()], [report.GradientNorm], name == "cpu" ? 1e-5
                : 1e-8, $"norm {step}");
        }

        foreach (string recorded in golden.Names) CheckFinal(golden, recorded, gpt[GoldenGpt.NameOf(recorded)], name);
    }

    private static Tensor Loss(GoldenGpt golden, Gpt gpt, int step)
    {
        var (ids, targets) = golden.Batches(step, gpt.Device);
        return gpt.Loss(ids, targets);
    }

    /// <summary>
    /// A key bias shifts all scores of a query alike: its true gradient is 0. The record's own rounding noise is far below epsilon, as the
    /// reference device's is; of a float's noise Adam makes whole steps.
    /// </summary>
    private static void CheckFinal(GoldenGpt golden, string recorded, Parameter parameter, string device)
    {
        var expected = golden.Root.GetProperty("final").GetProperty(recorded).GetProperty("all").EnumerateArray().Select(v => v.GetDouble())
            .ToArray();
        var found = parameter.Value.ToArray<double>();
        bool hasKeys = recorded.EndsWith("attn.qkv.b");
        for (int i = 0; i < expected.Length; i++)
        {
            bool isKey = hasKeys && i / GoldenGpt.Width == 1;
            double allowed = device == "cpu" ? 2e-6 + 1e-5 * Math.Abs(expected[i]) : 1e-12 + 1e-7 * Math.Abs(expected[i]);
            if (isKey && device == "cpu") allowed = golden.Steps.Length * LearningRate;
            Assert.True(Math.Abs(found[i] - expected[i]) <= allowed, $"{recorded}[{i}]: {found[i]:G10}, expected {expected[i]:G10}");
        }
    }

    private static Device Make(string name) => name == "cpu" ? Device.CreateCpu(threads: 2) : Device.CreateReference();

    private static void Near(IEnumerable<double> expected, double[] found, double tolerance, string what, double scale = 0)
    {
        foreach (var (e, f) in expected.Zip(found))
            Assert.True(Math.Abs(e - f) <= tolerance * Math.Max(scale, Math.Abs(e)), $"{what}: {f:G12}, expected {e:G12}");
    }
}
