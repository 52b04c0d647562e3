namespace Mayfly.Tests;

/// <summary>The modes in which gradients are clipped.</summary>
public class ClipTests
{
    private const double Limit = 0.05;

    public static TheoryData<RuleLine> Rules => RuleTable.All;

    public static TheoryData<ClipMode> Modes => new(Enum.GetValues<ClipMode>());

    /// <summary>With a tied matrix, dropout, checkpointing, accumulation and a route of both modes.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void Two_passes_equal_deferred_clipping_to_the_bit(RuleLine line)
    {
        foreach (int microBatches in new[] { 1, 3 })
            foreach (bool checkpoint in new[] { false, true })
            {
                var expected = Train(line, RuleTable.Everywhere(line.Make(), UpdateMode.Deferred), ClipMode.Deferred, microBatches,
                    checkpoint, passes: 1);
                var eager = RuleTable.Everywhere(line.Make(), UpdateMode.Eager);
                var mixed = new Route().Add("*bias", line.Make(), UpdateMode.Deferred).Otherwise(line.Make());
                foreach (var route in new[] { eager, mixed })
                    Assert.Equal(expected, Train(line, route, ClipMode.TwoPass, microBatches, checkpoint, passes: microBatches == 1 ? 2
                        : 1));
            }
    }

    [Fact]
    public void Without_eager_parameters_one_pass_is_enough()
    {
        var line = new RuleLine("sgd", () => new Sgd(), 0.1, _ => 0);
        var deferred = RuleTable.Everywhere(new Sgd(), UpdateMode.Deferred);
        Assert.Equal(Train(line, deferred, ClipMode.Deferred, 1, false, passes: 1),
            Train(line, deferred, ClipMode.TwoPass, 1, false, passes: 1));
    }

    [Fact]
    public void Two_passes_hold_one_gradient_at_a_time()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var layers = Enumerable.Range(0, 5).Select(i => UpdaterTests.Make(device, $"{i}", 8)).ToArray();
        long Peak(ClipMode mode, UpdateMode when)
        {
            using var updater = new Updater(layers, Route.Default(new Sgd(), when), Options(mode));
            device.Arena.ResetPeaks();
            updater.Step(() => layers.Aggregate(Tensor.Ones(8, device), (x, p) => x * p.Value + p.Value).Sum());
            return device.Arena.Report.Peak(Use.Gradient);
        }

        Assert.Equal(5 * 8 * sizeof(float), Peak(ClipMode.Deferred, UpdateMode.Deferred));
        foreach (var mode in Enum.GetValues<ClipMode>().Where(m => m != ClipMode.Deferred))
            Assert.Equal(8 * sizeof(float), Peak(mode, UpdateMode.Eager));
    }

    [Fact]
    public void The_norm_of_the_step_before_clips_from_the_second_step_on()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        Parameter a = UpdaterTests.Make(device, "a", 1), b = UpdaterTests.Make(device, "b", 1);
        using var updater = new Updater([a, b], RuleTable.Everywhere(new Sgd(), UpdateMode.Eager),
            new() { Schedule = 1, MaxNorm = 2, ClipMode = ClipMode.PreviousNorm });
        double previous = 0;
        foreach (double size in new[] { 2, 1, 0, 4, 0.1, 1 })
        {
            double[] before = [.. a.Value.ToArray<double>(), .. b.Value.ToArray<double>()];
            var report = updater.Step(() => (a.Value * Tensor.Full(1, 3 * size, device) + b.Value * Tensor.Full(1, -4 * size, device))
                .Sum());
            double factor = previous > 0 ? Math.Min(1, 2 / (previous + 1e-6)) : 1;
            Assert.Equal(before[0] - 3 * size * factor, a.Value.ToArray<double>()[0], 1e-6);
            Assert.Equal(before[1] + 4 * size * factor, b.Value.ToArray<double>()[0], 1e-6);
            Assert.Equal((5 * size, factor < 1, ClipMode.PreviousNorm, 1),
                (Math.Round(report.GradientNorm, 9), report.Clipped, report.Clip, report.Passes));
            previous = 5 * size;
        }
    }

    /// <summary>
    /// The limiter at model scope: the norm of all gradients grows by at most gamma, a zero norm starts it again, and the largest norm
    /// comes after it.
    /// </summary>
    [Theory]
    [InlineData(ClipMode.Deferred, null)]
    [InlineData(ClipMode.TwoPass, null)]
    [InlineData(ClipMode.TwoPass, 6.5)]
    public void The_growth_of_the_global_norm_is_limited(ClipMode mode, double? maxNorm)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        Parameter a = UpdaterTests.Make(device, "a", 1), b = UpdaterTests.Make(device, "b", 1);
        var route = RuleTable.Everywhere(new Sgd(), mode == ClipMode.TwoPass ? UpdateMode.Eager : UpdateMode.Deferred);
        var growth = new NormGrowthLimit { Gamma = 1.5, Epsilon = 0 };
        using var updater = new Updater([a, b], route, new() { Schedule = 1, MaxNorm = maxNorm, Growth = growth, ClipMode = mode });
        double previous = 0;
        foreach (double size in new[] { 1, 1.2, 4, 0, 4, 1, 1.4 })
        {
            double[] before = [.. a.Value.ToArray<double>(), .. b.Value.ToArray<double>()];
            var report = updater.Step(() => (a.Value * Tensor.Full(1, 3 * size, device) + b.Value * Tensor.Full(1, -4 * size, device))
                .Sum());
            double limited = previous > 0 ? Math.Min(5 * size, 1.5 * previous) : 5 * size, norm = Math.Min(limited, maxNorm ?? limited);
            Assert.Equal(before[0] - 0.6 * norm, a.Value.ToArray<double>()[0], 3e-6);
            Assert.Equal(before[1] + 0.8 * norm, b.Value.ToArray<double>()[0], 3e-6);
            Assert.Equal((norm < 5 * size, mode), (report.Clipped, report.Clip));
            Assert.Equal(limited, updater.State.Number("growthNorm"), 1e-9);
            previous = limited;
        }

        Assert.Contains("growth of the global norm limited to 1.5", updater.Describe());
        foreach (var refused in (ClipMode[])[ClipMode.PerTensor, ClipMode.PreviousNorm])
        {
            var options = new UpdaterOptions { MaxNorm = 1, Growth = growth, ClipMode = refused };
            Assert.Contains($"ClipMode.{refused}", Assert.Throws<ArgumentException>(() =>
                new Updater([a], Route.Default(new Sgd()), options)).Message);
        }

        Assert.Contains("needs all gradients", Assert.Throws<ArgumentException>(() =>
            new Updater([a], Route.Default(new Sgd()), new() { Growth = growth })).Message);
    }

    /// <summary>LOMO's order: elements are limited first, the factor comes from the norm of what was not limited.</summary>
    [Fact]
    public void A_limit_on_elements_acts_before_the_factor_of_the_norm()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        foreach (var rule in new Rule[] { new Lomo { ClipValue = 2 }, new Chain(new ClipValue(2), new Sgd()) })
        {
            using var w = new Parameter("w", Tensor.Zeros(2, device), Role.Hidden);
            var options = new UpdaterOptions { Schedule = 1, MaxNorm = 1, ClipMode = ClipMode.TwoPass };
            using var updater = new Updater([w], RuleTable.Everywhere(rule, UpdateMode.Eager), options);
            updater.Step(() => (w.Value * Tensor.From<double>([3, -4], 2, device)).Sum());
            // 2 of 3 and 4, over the norm of 5
            Assert.All(w.Value.ToArray<double>().Zip([-0.4, 0.4]), p => Assert.Equal(p.Second, p.First, 1e-6));
        }
    }

    [Fact]
    public void A_failed_step_keeps_the_norm_of_the_step_before()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var w = UpdaterTests.Make(device, "w", 3);
        using var updater = new Updater([w], RuleTable.Everywhere(new Sgd(), UpdateMode.Eager), Options(ClipMode.PreviousNorm));
        double norm = updater.Step(() => (w.Value * w.Value).Sum()).GradientNorm;
        Assert.Throws<NonFiniteException>(() => updater.Step(() => w.Value.Sum() * Tensor.Full(default, double.NaN, device)));
        Assert.Equal([("previousNorm", norm)], updater.State.Numbers);
    }

    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void Clipping_per_tensor_equals_a_chained_clip_to_the_bit(UpdateMode mode)
    {
        var line = new RuleLine("adamw", () => new AdamW(), 0.05, _ => 0);
        var perTensor = Train(line, RuleTable.Everywhere(new AdamW(), mode), ClipMode.PerTensor, 1, true, passes: 1);
        Assert.Equal(Train(line, RuleTable.Everywhere(new Chain(new ClipNorm(Limit), new AdamW()), mode), null, 1, true, passes: 1),
            perTensor);
        Assert.NotEqual(Train(line, RuleTable.Everywhere(new AdamW(), mode), null, 1, true, passes: 1), perTensor);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_large_limit_changes_nothing(ClipMode mode)
    {
        var line = new RuleLine("adamw", () => new AdamW(), 0.05, _ => 0);
        var route = RuleTable.Everywhere(new AdamW(), mode == ClipMode.Deferred ? UpdateMode.Deferred : UpdateMode.Eager);
        Assert.Equal(Train(line, route, null, 1, false, passes: 1), Train(line, route, mode, 1, false, passes: mode == ClipMode.TwoPass ? 2
            : 1, limit: 1e6));
    }

    [Fact]
    public void A_gradient_that_is_not_finite_is_found_before_a_weight_moves()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Parameter early = UpdaterTests.Make(device, "early", 3), late = UpdaterTests.Make(device, "late", 3);
        using var updater = new Updater([early, late], RuleTable.Everywhere(new AdamW(), UpdateMode.Eager), Options(ClipMode.TwoPass));
        updater.Step(() => (early.Value + late.Value).Sum());
        float[] before = [.. early.Value.ToArray(), .. late.Value.ToArray()];
        Tensor opposite = Tensor.From<float>(Array.ConvertAll(early.Value.ToArray(), w => -w), 3, device),
            huge = Tensor.Full(3, 1e30, device);
        long atRest = device.Arena.Report.LiveBytes;
        var error = Assert.Throws<NonFiniteException>(() => updater.Step(() =>
        {
            var zeros = (early.Value + opposite) * huge * huge; // the gradient of early is infinite and comes last
            return (zeros + late.Value).Sum();
        }));
        Assert.Contains("No weight has moved", error.Message);
        Assert.Equal((false, 1), (updater.Torn, updater.GlobalStep));
        Assert.Equal(before, (float[])[.. early.Value.ToArray(), .. late.Value.ToArray()]);
        Assert.Equal(atRest, device.Arena.Report.LiveBytes);
        Assert.Equal(2, updater.Step(() => (early.Value + late.Value).Sum()).Step);
    }

    [Fact]
    public void A_loss_that_differs_in_the_second_pass_is_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new AdamW()), Options(ClipMode.TwoPass));
        var before = model.Weights();
        long atRest = device.Arena.Report.LiveBytes;
        int batch = 0;
        Assert.Contains("draw the batch before Step", Fails(() => updater.Step(() => model.Loss(batch++, 3, 0.1))));
        Assert.Equal((false, 0, atRest), (updater.Torn, updater.GlobalStep, device.Arena.Report.LiveBytes));
        Assert.Equal(before, model.Weights());
    }

    [Fact]
    public void A_parameter_that_only_the_second_pass_reads_is_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Parameter a = UpdaterTests.Make(device, "a", 3), b = UpdaterTests.Make(device, "b", 3);
        using var updater = new Updater([a, b], RuleTable.Everywhere(new Sgd(), UpdateMode.Eager), Options(ClipMode.TwoPass));
        b.Value.CopyFrom<float>(a.Value.ToArray());
        int run = 0;
        Assert.Contains("b (3) Hidden got a gradient in the second pass", Fails(() =>
            updater.Step(() => (run++ == 0 ? a : b).Value.Sum())));
    }

    [Fact]
    public void The_long_form_is_refused_where_it_would_need_two_passes()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new AdamW()), Options(ClipMode.TwoPass));
        Assert.Contains("call updater.Step(() => loss)", Fails(() => updater.Begin()));
        updater.Begin(microBatches: 2);
        for (int k = 0; k < 2; k++)
        {
            using var tape = Tape.Record(device, updater.Random);
            updater.Backward(tape, model.Loss(k, 2, 0.1));
        }

        var report = updater.End();
        Assert.Equal((true, ClipMode.TwoPass, 1), (report.Clipped, report.Clip, report.Passes));
    }

    [Theory]
    [InlineData(ClipMode.PreviousNorm)]
    [InlineData(ClipMode.TwoPass)]
    public void A_restored_run_goes_on_to_the_bit(ClipMode mode)
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(threads: 1);
        using TinyModel a = new(device), b = new(device, seed: 7);
        using Updater first = new(a.Parameters, Route.Default(new AdamW()), Options(mode)),
            second = new(b.Parameters, Route.Default(new AdamW()), Options(mode));
        StepReport Next(Updater updater, TinyModel model) => updater.Step(() => model.Loss((int)updater.GlobalStep, 3, 0.2, dropout: 0.3f));
        for (int i = 0; i < 3; i++) Next(first, a);
        Snapshot.Save(folder.Path, a.Parameters, first, first.GlobalStep, "");
        using (var snapshot = Snapshot.Open(folder.Path)) snapshot.Restore(b.Parameters, second);
        Assert.Equal(first.State.Numbers, second.State.Numbers);
        Assert.Equal(mode == ClipMode.PreviousNorm, second.State.Numbers.Any(n => n.Value > 0));
        for (int i = 0; i < 2; i++)
        {
            var report = Next(first, a);
            Assert.True(report.Clipped);
            Assert.Equal(report with { WithoutGradient = [], PeakBytes = 0 }, Next(second, b) with { WithoutGradient = [], PeakBytes = 0 });
        }

        Assert.Equal(a.Weights(), b.Weights());
    }

    [Fact]
    public void A_snapshot_with_and_without_the_norm_are_told_apart()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using Updater with = new(model.Parameters, Route.Default(new Sgd()), Options(ClipMode.PreviousNorm)),
            without = new(model.Parameters, Route.Default(new Sgd()));
        foreach (var (saved, restored) in new[] { (with, without), (without, with) })
        {
            Snapshot.Save(folder.Path, model.Parameters, saved, 1, "");
            using var snapshot = Snapshot.Open(folder.Path);
            Assert.Equal("updater/previousNorm", Assert.Throws<BadFileException>(() => snapshot.Restore(model.Parameters, restored)).Field);
        }
    }

    [Fact]
    public void Wrong_settings_are_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        string Refused(UpdaterOptions options) =>
            Assert.Throws<ArgumentException>(() => new Updater(model.Parameters, Route.Default(new Sgd()), options)).Message;
        Assert.Contains("ClipMode.TwoPass without MaxNorm", Refused(new() { ClipMode = ClipMode.TwoPass }));
        Assert.Contains("no clip mode 9", Refused(new() { MaxNorm = 1, ClipMode = (ClipMode)9 }));
        Assert.Contains("-1 is not positive", Refused(new() { MaxNorm = -1, ClipMode = ClipMode.PerTensor }));
    }

    [Theory]
    [InlineData(ClipMode.Deferred, 1, "global norm clipped to 0.05, which keeps 208 bytes of gradients")]
    [InlineData(ClipMode.TwoPass, 1, "global norm clipped to 0.05 in two passes: every step runs forward and backward twice")]
    [InlineData(ClipMode.TwoPass, 2, "208 bytes of gradients; global norm clipped to 0.05 in one pass, "
        + "as accumulation keeps the gradients anyway")]
    [InlineData(ClipMode.PreviousNorm, 1, "global norm clipped to 0.05 by the norm of the step before")]
    [InlineData(ClipMode.PerTensor, 1, "each gradient's norm clipped to 0.05")]
    public void The_table_names_the_price(ClipMode mode, int accumulate, string end)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        var when = mode == ClipMode.Deferred ? UpdateMode.Deferred : UpdateMode.Eager;
        using var updater = new Updater(model.Parameters, Route.Default(new Sgd(), when), Options(mode) with { Accumulate = accumulate });
        Assert.EndsWith(end, updater.Describe());
    }

    private static UpdaterOptions Options(ClipMode mode) => new() { Seed = 3, MaxNorm = Limit, ClipMode = mode };

    private static string Fails(Action action) => Assert.Throws<InvalidOperationException>(action).Message;

    /// <summary>
    /// The bits of the weights, states and reports of three steps; a limit that does not clip in one of them would test nothing.
    /// </summary>
    private static double[] Train(RuleLine line, Route route, ClipMode? mode, int microBatches, bool checkpoint, int passes,
        double limit = Limit)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        var options = new UpdaterOptions { Seed = 3, Schedule = line.LearningRate };
        if (mode is { } chosen) options = options with { MaxNorm = limit, ClipMode = chosen };
        using var updater = new Updater(model.Parameters, route, options);
        long atRest = device.Arena.Report.LiveBytes;
        var bits = new List<double>();
        for (int step = 0; step < 3; step++)
        {
            var report = updater.Step(microBatches, k =>
                model.Loss(step * microBatches + k, 4, 0.2 / microBatches, checkpoint, dropout: 0.3f));
            Assert.Equal((mode, passes), (report.Clip, report.Passes));
            if (limit == Limit) Assert.Equal(mode is not null, report.Clipped || (mode == ClipMode.PreviousNorm && step == 0));
            Assert.Equal(atRest, device.Arena.Report.LiveBytes);
            bits.AddRange([report.Loss, report.GradientNorm]);
        }

        bits.AddRange(model.Weights().Select(w => (double)w));
        bits.AddRange(updater.States.SelectMany(s => s.Tensors).SelectMany(t => t.Value.ToArray()).Select(v => (double)v));
        return [.. bits];
    }
}
