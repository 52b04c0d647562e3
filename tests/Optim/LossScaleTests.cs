using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>The loss multiplied for the backward sweep, and gradients divided again.</summary>
public class LossScaleTests
{
    [Fact]
    public void The_scale_goes_as_in_the_golden_file()
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", "lomo-loss-scale-open.json"));
        int cases = 0;
        foreach (var golden in JsonDocument.Parse(text).RootElement.GetProperty("cases").EnumerateArray())
        {
            cases++;
            var args = golden.GetProperty("args");
            double Number(string name, double usual) => args.TryGetProperty(name, out var value) ? value.GetDouble() : usual;
            var scaling = new LossScaling
            {
                Start = Number("init_scale", 0), Window = (long)Number("scale_window", 1000), Hysteresis = (long)Number("delayed_shift", 1),
                ConsecutiveHysteresis = args.TryGetProperty("consecutive_hysteresis", out var each) && each.GetBoolean(),
            };
            using var device = Device.CreateCpu(1);
            using var state = new RuleState(device);
            scaling.Init(state);
            foreach (var (overflow, expected) in golden.GetProperty("overflow").EnumerateArray()
                         .Zip(golden.GetProperty("scale_after").EnumerateArray()))
            {
                scaling.Note(state, overflow.GetBoolean());
                Assert.Equal(expected.GetDouble(), state.Number("lossScale"));
            }
        }

        Assert.True(cases >= 4);
    }

    /// <summary>Gradients of 1e-9 are zero in half precision, and a sixteenth of a step of it at 1e-9 x 2^16.</summary>
    [Theory]
    [InlineData(UpdateMode.Deferred)]
    [InlineData(UpdateMode.Eager)]
    public void Small_gradients_survive_in_half_precision(UpdateMode mode)
    {
        using var device = Device.CreateCpu(1);
        Assert.Equal(0, Moved(device, mode, scale: 1));
        Assert.Equal(1e-9, Moved(device, mode, scale: 65536), 1e-11);
    }

    [Fact]
    public void A_power_of_two_changes_no_bit()
    {
        using var device = Device.CreateCpu(1);
        float[] Trained(double scale, UpdateMode mode)
        {
            using var model = new TinyModel(device);
            using var updater = new Updater(model.Parameters, RuleTable.Everywhere(new AdamW(), mode),
                new UpdaterOptions { LossScale = scale, Schedule = 0.05 });
            for (int i = 0; i < 3; i++)
            {
                var report = updater.Step(2, k => model.Loss(2 * i + k, 4, 0.01));
                Assert.InRange(report.GradientNorm, 1e-4, 10);
                Assert.Equal(scale, report.LossScale);
            }

            return model.Weights();
        }

        var expected = Trained(1, UpdateMode.Eager);
        Assert.Equal(expected, Trained(1024, UpdateMode.Eager));
        Assert.Equal(expected, Trained(1024, UpdateMode.Deferred));
    }

    [Theory]
    [InlineData(ClipMode.Deferred)]
    [InlineData(ClipMode.TwoPass)]
    public void A_step_that_overflows_is_left_out_and_the_scale_falls(ClipMode clip)
    {
        using var device = Device.CreateCpu(1);
        using var weight = new Parameter("w", (2, 2), Role.Hidden, device);
        weight.Value.Fill(1);
        var mode = clip == ClipMode.TwoPass ? UpdateMode.Eager : UpdateMode.Deferred;
        using var updater = new Updater([weight], RuleTable.Everywhere(new AdamW(), mode), new UpdaterOptions
        {
            GradientType = DType.F16, MaxNorm = 1e6, ClipMode = clip, Schedule = 0.1,
            DynamicLossScale = new() { Start = 1 << 17, Window = 3 },
        });
        Assert.True(Step().Skipped); // of 65,504 and more half precision makes an infinity
        Assert.True(Step().Skipped);
        Assert.Equal([1, 1, 1, 1], weight.Value.ToArray());
        Assert.Equal(2, updater.GlobalStep);
        var third = Step();
        Assert.Equal((false, (double)(1 << 15)), (third.Skipped, third.LossScale));
        Assert.Equal(2, third.GradientNorm, 1e-3);
        Assert.All(weight.Value.ToArray(), w => Assert.InRange(w, 0.85, 0.95));
        Step();
        Step(); // the third after an overflow in step 2: it grows, and overflows
        Assert.True(Step().Skipped);
        Assert.False(updater.Torn);

        StepReport Step() => updater.Step(() => weight.Value.Sum());
    }

    [Fact]
    public void The_least_scale_that_overflows_is_an_error_that_moves_nothing()
    {
        using var device = Device.CreateCpu(1);
        using var weight = new Parameter("w", (2, 2), Role.Hidden, device);
        weight.Value.Fill(1);
        using var updater = new Updater([weight], RuleTable.Everywhere(new AdamW(), UpdateMode.Deferred),
            new UpdaterOptions { GradientType = DType.F16, DynamicLossScale = new() { Start = 2 } });
        Assert.True(updater.Step(() => weight.Value.Sum().Scale(1e6f)).Skipped);
        var e = Assert.Throws<NonFiniteException>(() => updater.Step(() => weight.Value.Sum().Scale(1e6f)));
        Assert.Contains("least loss scale, 1", e.Message);
        Assert.False(updater.Torn);
        Assert.Equal([1, 1, 1, 1], weight.Value.ToArray());
    }

    [Fact]
    public void What_cannot_be_left_out_is_refused()
    {
        using var device = Device.CreateCpu(1);
        using var model = new TinyModel(device);
        string Refused(UpdateMode mode, UpdaterOptions options) => Assert.Throws<ArgumentException>(
            () => new Updater(model.Parameters, RuleTable.Everywhere(new AdamW(), mode), options)).Message;
        Assert.Contains("eagerly", Refused(UpdateMode.Eager, new UpdaterOptions { DynamicLossScale = new() }));
        Assert.Contains("leave one out", Refused(UpdateMode.Deferred, new UpdaterOptions { DynamicLossScale = new(), LossScale = 2 }));
        Assert.Contains("positive", Refused(UpdateMode.Deferred, new UpdaterOptions { LossScale = 0 }));
    }

    /// <summary>How far a step of rate 1 by a gradient of 1e-9 goes.</summary>
    private static double Moved(Device device, UpdateMode mode, double scale)
    {
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", (2, 2), Role.Hidden, device);
        weight.Value.Fill(0);
        using var updater = new Updater([weight], RuleTable.Everywhere(new Sgd(), mode),
            new UpdaterOptions { Schedule = 1, GradientType = DType.F16, LossScale = scale });
        updater.Step(() => (weight.Value * Tensor.Full((2, 2), 1e-9, device)).Sum());
        return -weight.Value.ToArray()[0];
    }
}
