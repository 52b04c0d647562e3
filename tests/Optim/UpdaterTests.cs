namespace Mayfly.Tests;

/// <summary>What a step does with memory, with several sweeps, and with clipping.</summary>
public class UpdaterTests
{
    private static readonly UpdaterOptions plain = new() { Schedule = 0.1, Seed = 3 };

    [Fact]
    public void An_eager_step_holds_one_gradient_at_a_time()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var layers = Layers(device);
        using var updater = new Updater(layers, Route.Default(new AdamW()));
        Assert.Equal(layers.Max(p => p.Value.Bytes), PeakGradient(device, () => updater.Step(() => Forward(device, layers))));
        Assert.Equal(0, device.Arena.Report.Live(Use.Gradient));
    }

    [Fact]
    public void A_deferred_step_holds_all_gradients()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var layers = Layers(device);
        using var updater = new Updater(layers, Route.Default(new AdamW(), UpdateMode.Deferred));
        Assert.Equal(layers.Sum(p => p.Value.Bytes), PeakGradient(device, () => updater.Step(() => Forward(device, layers))));
        Assert.Equal(0, device.Arena.Report.Live(Use.Gradient));
    }

    [Fact]
    public void A_tied_gradient_lives_from_its_last_use_to_its_first()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new AdamW()));
        long expected = model.Tied.Value.Bytes + model.Gain.Value.Bytes; // out.bias is gone before the tied matrix starts
        Assert.Equal(expected, PeakGradient(device, () => updater.Step(() => model.Loss(1, 3, 0.1))));
    }

    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void After_a_step_only_weights_and_state_are_left(UpdateMode mode)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new AdamW(), mode));
        for (int i = 1; i < 4; i++)
        {
            updater.Step(i, k => model.Loss(k, 2, 0.1, checkpoint: true));
            Assert.Equal(model.Parameters.Sum(p => p.Value.Bytes) + updater.StateBytes, device.Arena.Report.LiveBytes);
        }
    }

    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void Micro_batches_add_up_to_the_batch(UpdateMode mode)
    {
        using var device = Device.CreateReference();
        double[] Run(Func<Updater, TinyModel, StepReport> step)
        {
            using var model = new TinyModel(device);
            using var updater = new Updater(model.Parameters, Route.Default(new Sgd(), mode), plain);
            double loss = step(updater, model).Loss;
            return [loss, .. model.Parameters.SelectMany(p => p.Value.ToArray<double>())];
        }

        Tensor Two(TinyModel m) => m.Loss(1, 3, 0.05) + m.Loss(2, 1, 0.05);
        var whole = Run((u, m) => u.Step(() => Two(m)));
        var parts = Run((u, m) => u.Step(2, k => m.Loss(k + 1, k == 0 ? 3 : 1, 0.05)));
        Assert.Equal(whole.Length, parts.Length);
        for (int i = 0; i < whole.Length; i++) Assert.Equal(whole[i], parts[i], 1e-13);
    }

    /// <summary>A plain mean loss means what it does without accumulation; one that was given its total is a share.</summary>
    [Theory]
    [InlineData(UpdateMode.Eager, null)]
    [InlineData(UpdateMode.Deferred, null)]
    [InlineData(UpdateMode.Eager, 12.0)]
    public void A_step_of_means_is_their_mean_and_one_of_shares_their_sum(UpdateMode mode, double? total)
    {
        using var device = Device.CreateReference();
        double[] Run(int accumulate)
        {
            using var scope = device.Scope("test");
            using var weight = Make(device, "w", (3, 5));
            using var updater = new Updater([weight], RuleTable.Everywhere(new Sgd(), mode), plain with { Accumulate = accumulate });
            int calls = 0, rows = 12 / accumulate;
            var report = updater.Step(() =>
            {
                int[] ids = [.. Enumerable.Range(rows * calls++, rows)];
                var logits = weight.Value.Embedding(Tensor.From<int>([.. ids.Select(i => i % 3)], rows, device)); // (rows, 5)
                return logits.CrossEntropy(Tensor.From<int>([.. ids.Select(i => i * 7 % 5)], rows, device), total: total);
            });
            Assert.Equal(accumulate, calls);
            return [report.Loss, report.GradientNorm, .. weight.Value.ToArray<double>()];
        }

        double[] whole = Run(1);
        foreach (int accumulate in (int[])[2, 3, 4]) Closeness.OfItself(1, 1e-13, Run(accumulate), whole, $"{accumulate} micro-batches");
    }

    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void A_parameter_the_last_micro_batch_does_not_read_is_stepped_once(UpdateMode mode)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        Parameter a = Make(device, "a", 3), b = Make(device, "b", 3), never = Make(device, "never", 2);
        var fired = new List<string>();
        using var updater = new Updater([a, b, never], RuleTable.Everywhere(new NotingRule(fired), mode), plain);
        double[] beforeA = a.Value.ToArray<double>(), beforeB = b.Value.ToArray<double>();
        var report = updater.Step(3, k => k == 0 ? (a.Value + b.Value).Sum() : b.Value.Sum());
        Assert.Equal(mode == UpdateMode.Eager ? ["b", "a"] : new[] { "a", "b" }, fired);
        Assert.Equal(["never"], report.WithoutGradient);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(beforeA[i] - 0.1, a.Value.ToArray<double>()[i], 1e-7);
            Assert.Equal(beforeB[i] - 0.3, b.Value.ToArray<double>()[i], 1e-7);
        }
    }

    [Fact]
    public void Without_a_gradient_neither_weight_nor_state_changes()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        Parameter read = Make(device, "read", 3), unread = Make(device, "unread", 3), frozen = Make(device, "frozen", 3);
        frozen.Trainable = false;
        using var updater = new Updater([read, unread, frozen], RuleTable.Everywhere(new AdamW { WeightDecay = 0.5 }, UpdateMode.Eager),
            plain);
        double[] before = [.. unread.Value.ToArray<double>(), .. frozen.Value.ToArray<double>()];
        var report = updater.Step(() => (read.Value * frozen.Value).Sum());
        Assert.Equal(["unread"], report.WithoutGradient);
        double[] after = [.. unread.Value.ToArray<double>(), .. frozen.Value.ToArray<double>()];
        Assert.Equal(before, after);
        Assert.Equal(0, updater.States[1].Number("steps"));
        Assert.Equal(0, updater.States[2].Bytes);
    }

    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void A_rule_that_takes_zeros_fires_once_where_the_tape_read_a_parameter_in_vain(UpdateMode mode)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        Parameter read = Make(device, "read", 3), vain = Make(device, "vain", 3), unread = Make(device, "unread", 3);
        var fired = new List<string>();
        using var updater = new Updater([read, vain, unread], RuleTable.Everywhere(new NotingRule(fired, takesZeros: true), mode), plain);
        var report = updater.Step(() =>
        {
            _ = vain.Value * vain.Value;
            return read.Value.Sum();
        });
        Assert.Equal(["read", "vain", "unread"], fired);
        Assert.Equal(["vain", "unread"], report.WithoutGradient);
    }

    [Fact]
    public void The_global_norm_is_clipped_exactly()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        Parameter a = Make(device, "a", 2), b = Make(device, "b", 1);
        double[] before = [.. a.Value.ToArray<double>(), .. b.Value.ToArray<double>()], slopes = [3, 0, 4];
        var ga = Tensor.From<double>(slopes.AsSpan(0, 2), 2, device);
        var gb = Tensor.From<double>(slopes.AsSpan(2), 1, device);
        foreach (double limit in new[] { 0.5, 50 })
        {
            using var updater = new Updater([a, b], RuleTable.Everywhere(new Sgd(), UpdateMode.Deferred),
                new UpdaterOptions { Schedule = 1, MaxNorm = limit });
            var report = updater.Step(() => (a.Value * ga).Sum() + (b.Value * gb).Sum());
            Assert.Equal(5, report.GradientNorm, 1e-12);
            Assert.Equal(limit < 5, report.Clipped);
            double[] after = [.. a.Value.ToArray<double>(), .. b.Value.ToArray<double>()];
            for (int i = 0; i < 3; i++) Assert.Equal(before[i] - slopes[i] * Math.Min(1, limit / (5 + 1e-6)), after[i], 1e-7);
            before = after;
        }
    }

    [Fact]
    public void Clips_in_a_chain_limit_what_the_next_rule_sees()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        var slopes = Tensor.From<double>([3, 0, -4], 3, device);
        double[] Moved(Rule clip)
        {
            using var w = new Parameter("w", Tensor.Zeros(3, device), Role.Hidden);
            using var updater = new Updater([w], RuleTable.Everywhere(new Chain(clip, new Sgd()), UpdateMode.Eager),
                new UpdaterOptions { Schedule = 1 });
            Assert.Equal(5, updater.Step(() => (w.Value * slopes).Sum()).GradientNorm, 1e-12);
            return w.Value.ToArray<double>();
        }

        Assert.Equal([-2, 0, 2], Moved(new ClipValue(2)));
        Assert.Equal([-3, 0, 4], Moved(new ClipNorm(6)));
        var halved = Moved(new ClipNorm(2.5));
        for (int i = 0; i < 3; i++) Assert.Equal(new[] { -1.5, 0, 2 }[i], halved[i], 1e-6);
    }

    /// <summary>Reading only observes: the weights are the same, and a fault is found when it is read.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void What_is_read_rarely_is_read_right(int readEvery)
    {
        using TinyModel watched = new(Device.Cpu), model = new(Device.Cpu);
        using Updater always = new(watched.Parameters, Route.Default(new AdamW())),
            rarely = new(model.Parameters, Route.Default(new AdamW()), new UpdaterOptions { ReadEvery = readEvery });
        for (int step = 1; step <= 6; step++)
        {
            var expected = always.Step(() => watched.Loss(step, 4, 1));
            var report = rarely.Step(() => model.Loss(step, 4, 1));
            Assert.Equal(step % readEvery == 0 ? expected.Loss : double.NaN, report.Loss);
            Assert.Equal(step % readEvery == 0 ? expected.GradientNorm : double.NaN, report.GradientNorm);
        }

        Assert.Equal(watched.Weights(), model.Weights());
        for (int step = 7; step < 9 && readEvery > 1; step++) rarely.Step(() => model.Loss(step, 4, double.NaN));
        Assert.Throws<NonFiniteException>(() => rarely.Step(() => model.Loss(9, 4, double.NaN)));
    }

    [Fact]
    public void Norms_that_clip_are_read_in_every_step()
    {
        using TinyModel watched = new(Device.Cpu), model = new(Device.Cpu);
        using Updater always = new(watched.Parameters, Route.Default(new AdamW(), UpdateMode.Deferred),
            new UpdaterOptions { MaxNorm = 0.1 });
        using Updater rarely = new(model.Parameters, Route.Default(new AdamW(), UpdateMode.Deferred),
            new UpdaterOptions { MaxNorm = 0.1, ReadEvery = 5 });
        for (int step = 1; step <= 3; step++)
            Assert.Equal(always.Step(() => watched.Loss(step, 4, 1)).GradientNorm, rarely.Step(() => model.Loss(step, 4, 1)).GradientNorm);
        Assert.Equal(watched.Weights(), model.Weights());
    }

    [Fact]
    public void The_long_form_equals_the_call()
    {
        using var device = Device.CreateCpu(threads: 1);
        using TinyModel a = new(device), b = new(device), c = new(device);
        using Updater one = new(a.Parameters, Route.Default(new AdamW()), plain),
            two = new(b.Parameters, Route.Default(new AdamW()), plain);
        using var three = new Updater(c.Parameters, Route.Default(new AdamW()), plain);
        for (int i = 0; i < 2; i++)
        {
            var report = one.Step(() => a.Loss(i, 2, 0.1));
            two.Begin();
            using (var tape = Tape.Record(device, two.Random)) two.Backward(tape, b.Loss(i, 2, 0.1));
            Assert.Equal(report with { WithoutGradient = [], PeakBytes = 0 }, two.End() with { WithoutGradient = [], PeakBytes = 0 });
            three.Begin(0.1);
            using (var tape = Tape.Record(device, three.Random)) tape.Backward(c.Loss(i, 2, 0.1), three);
            Assert.Equal(i + 1, three.End().Step);
        }

        Assert.Equal(a.Weights(), b.Weights());
        Assert.Equal(a.Weights(), c.Weights());
    }

    [Fact]
    public void Each_micro_batch_draws_its_own_random_numbers()
    {
        using var device = Device.CreateReference();
        using var model = new TinyModel(device);
        using var updater = new Updater(model.Parameters, Route.Default(new Sgd()), plain);
        var states = new List<RandomState>();
        for (int i = 0; i < 2; i++)
            updater.Step(2, k =>
            {
                states.Add(updater.Random);
                return model.Loss(k, 2, 0.1);
            });
        Assert.Equal([new RandomState(3, 1, 0), new(3, 1, 1), new(3, 2, 0), new(3, 2, 1)], states);
    }

    /// <summary>Dropout of another step, micro-batch or call drops other elements: about a quarter fall together by chance.</summary>
    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 0)]
    [InlineData(2, 0, 0)]
    [InlineData(1L << 31, 0, 0)]
    public void Each_step_micro_batch_and_call_drops_elements_of_its_own(long step, int microBatch, int calls)
    {
        using var device = Device.CreateCpu(threads: 1);
        double[] Mask(RandomState state, int before)
        {
            using var scope = device.Scope("test");
            using var tape = Tape.Record(device, state);
            var ones = Tensor.Ones(10_000, device);
            for (int i = 0; i < before; i++) ones.Dropout(0.5f);
            return ones.Dropout(0.5f).ToArray<double>();
        }

        double[] first = Mask(new RandomState(3, 1, 0), 0), other = Mask(new RandomState(3, step, microBatch), calls);
        Assert.InRange(first.Zip(other).Count(pair => pair.First == 0 && pair.Second == 0), 2300, 2700);
    }

    [Fact]
    public async Task Models_on_two_threads_do_not_disturb_each_other()
    {
        using var device = Device.CreateCpu(threads: 2);
        float[] Train(int seed)
        {
            using var model = new TinyModel(device, 33, 65, seed);
            using var updater = new Updater(model.Parameters, Route.Default(new AdamW(), seed == 1 ? UpdateMode.Eager
                : UpdateMode.Deferred));
            for (int i = 0; i < 8; i++) updater.Step(() => model.Loss(i, 8, 0.01));
            return model.Weights();
        }

        float[] first = Train(1), second = Train(2);
        var together = Task.WhenAll(new[] { 1, 2, 1, 2 }.Select(seed => Task.Factory.StartNew(
            () => Train(seed), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal([first, second, first, second], await together);
    }

    internal static Parameter Make(Device device, string name, Shape shape, Role role = Role.Hidden) =>
        new(name, Tensor.Uniform(shape, -0.5, 0.5, new RandomKey(2, (ulong)name[0]), device), role);

    private static Parameter[] Layers(Device device) =>
        [Make(device, "w1", (6, 4)), Make(device, "b1", (6, 1)), Make(device, "w2", (6, 9)), Make(device, "b2", 9)];

    private static Tensor Forward(Device device, Parameter[] p)
    {
        var x = Tensor.Uniform((3, 1, 4), -1, 1, new RandomKey(6, 6), device);
        var h = ((x * p[0].Value).Sum([-1], keepAxes: true) + p[1].Value).Silu(); // (3, 6, 1)
        var y = (h * p[2].Value).Sum([1]) + p[3].Value; // (3, 9)
        return (y * y).Mean();
    }

    private static long PeakGradient(Device device, Action step)
    {
        device.Arena.ResetPeaks();
        step();
        return device.Arena.Report.Peak(Use.Gradient);
    }

    private sealed record NotingRule(List<string> fired, bool takesZeros = false) : Rule
    {
        private readonly Sgd inner = new();

        public override string Name => "noting";

        public override bool StepsWithoutGradient => takesZeros;

        public override void Init(Parameter parameter, RuleState state) => inner.Init(parameter, state);

        public override void Apply(Parameter parameter, Tensor gradient, RuleState state, in StepInfo step)
        {
            fired.Add(parameter.Name);
            inner.Apply(parameter, gradient, state, step);
        }
    }
}
