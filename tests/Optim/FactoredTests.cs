namespace Mayfly.Tests;

/// <summary>What is particular to Lomo, AdaLomo and Adafactor.</summary>
public class FactoredTests
{
    [Fact]
    public void Lomo_clips_and_decays()
    {
        double[] moved = Moved(new Lomo { WeightDecay = 0.5, ClipValue = 2 }, 0.1, [1, 1, 1], [3, 0, -1]);
        Near([0.95 - 0.2, 0.95, 0.95 + 0.1], moved);
    }

    [Fact]
    public void AdaLomo_clips_values_first()
    {
        double[] weights = [1, 2, 3], slopes = [9, -0.5, 2];
        var chain = new Chain(new ClipValue(2), new AdaLomo());
        Near(Moved(chain, 0.1, weights, slopes), Moved(new AdaLomo { ClipValue = 2 }, 0.1, weights, slopes));
    }

    /// <summary>At the first step u is the sign: the step is the rate times the scale.</summary>
    [Theory]
    [InlineData(false, false, 0.01)]
    [InlineData(false, true, 1e-6)]
    [InlineData(true, false, 0.02)]
    [InlineData(true, true, 2e-6)]
    public void The_relative_step_replaces_the_learning_rate(bool scaled, bool warmup, double size) =>
        Near([2 - size, -2 + size], Moved(Adafactor.HuggingFace with { ScaleParameter = scaled, WarmupInit = warmup }, 123, [2, -2],
            [3, -1]));

    [Fact]
    public void The_relative_step_falls_with_the_root_of_time()
    {
        using var device = Device.CreateReference();
        using var weight = UpdaterTests.Make(device, "w", 1);
        var rule = Adafactor.HuggingFace with { ScaleParameter = false };
        using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager));
        double last = 0;
        for (int t = 1; t <= 14400; t++)
        {
            double before = weight.Value.Item();
            updater.Step(() => weight.Value.Sum());
            last = before - weight.Value.Item();
        }

        Assert.Equal(1 / 120.0, last, 1e-7);
    }

    [Fact]
    public void Wrong_settings_are_named()
    {
        using var device = Device.CreateReference();
        using var w = UpdaterTests.Make(device, "w", 3);
        string Wrong(Rule rule) =>
            Assert.Throws<ArgumentException>(() => new Updater([w], RuleTable.Everywhere(rule, UpdateMode.Eager))).Message;
        Assert.Contains("warmupInit", Wrong(Adafactor.HuggingFace with { RelativeStep = false, WarmupInit = true }));
        Assert.Contains("epsilon1 is 1E-20", Wrong(Adafactor.Torch with { Epsilon1 = 1e-20 }));
        Assert.Contains("decayRate is 0.8", Assert.Throws<ArgumentOutOfRangeException>(() => new AdaLomo { DecayRate = 0.8 }).Message);
        Assert.Contains("clipValue is -1", Assert.Throws<ArgumentOutOfRangeException>(() => new Lomo { ClipValue = -1 }).Message);
    }

    /// <summary>A kernel of three axes and more: AdaLomo takes it as a matrix, Adafactor as a stack of matrices.</summary>
    [Fact]
    public void Axes_beyond_two_are_flattened_or_stacked()
    {
        using var device = Device.CreateCpu(threads: 1);
        string[] Shapes(Rule rule)
        {
            using var weight = UpdaterTests.Make(device, "w", (5, 2, 3, 4));
            using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager));
            updater.Step(() => (weight.Value * weight.Value).Sum());
            return [.. updater.States[0].Tensors.Select(t => t.Value.Shape.ToString())];
        }

        Assert.Equal(["(5)", "(24)"], Shapes(new AdaLomo()));
        Assert.Equal(["(5, 2, 3)", "(5, 2, 4)"], Shapes(Adafactor.HuggingFace));
        Assert.Equal(["(5, 2, 3)", "(5, 2, 4)"], Shapes(Adafactor.Torch));
    }

    /// <summary>Rows and columns without any gradient meet moments as small as epsilon beside huge ones.</summary>
    [Fact]
    public void Empty_rows_and_columns_stay_where_they_are()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        foreach (var rule in new Rule[] { new AdaLomo(), Adafactor.HuggingFace, Adafactor.Torch })
            foreach (float size in new[] { 1e-20f, 1f, 1e20f })
            {
                using var weight = new Parameter("w", Tensor.Ones((3, 4), device), Role.Hidden);
                using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager),
                    new UpdaterOptions { Schedule = 0.1 });
                var slope = Tensor.From<float>([size, 0, size, 0, 0, 0, 0, 0, size, 0, -size, 0], (3, 4), device);
                for (int i = 0; i < 3; i++) updater.Step(() => (weight.Value * slope).Sum());
                var after = weight.Value.ToArray();
                Assert.All(after, w => Assert.True(float.IsFinite(w)));
                bool vanishes = size < 1e-10 && rule is Adafactor { Form: AdafactorForm.Torch };
                for (int i = 0; i < 12; i++) Assert.Equal(i is 0 or 2 or 8 or 10 && !vanishes, after[i] != 1);
            }
    }

    [Fact]
    public void Settings_are_adjusted_between_steps()
    {
        using var device = Device.CreateCpu(threads: 1);
        Rule[] rules =
        [
            new Lomo { ClipValue = 1 }, new AdaLomo { ClipValue = 1 }, Adafactor.HuggingFace with { Beta1 = 0.5 },
            Adafactor.Torch with { Epsilon1 = 1e-7 },
        ];
        foreach (var rule in rules)
        {
            using var weight = UpdaterTests.Make(device, "w", (4, 6));
            using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager));
            foreach (var (key, value) in rule.Settings.Where(s => s.Value is double))
            {
                double changed = key == "decayRate" ? -0.5 : (double)value! / 2 + 0.25;
                updater.Adjust(key, changed);
                Assert.Equal(changed, updater.Assignments.Single().Rule.Settings.Single(s => s.Key == key).Value);
            }
        }
    }

    private static double[] Moved(Rule rule, double learningRate, double[] weights, double[] slopes)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        using var w = new Parameter("w", Tensor.From<double>(weights, weights.Length, device), Role.Hidden);
        using var updater = new Updater([w], RuleTable.Everywhere(rule, UpdateMode.Eager), new UpdaterOptions { Schedule = learningRate });
        var slope = Tensor.From<double>(slopes, slopes.Length, device);
        updater.Step(() => (w.Value * slope).Sum());
        return w.Value.ToArray<double>();
    }

    private static void Near(double[] expected, double[] actual) => GoldenTests.Near(expected, actual, 1e-9, 1e-7, "weights");
}
