namespace Mayfly.Tests;

/// <summary>The sets that every line of <see cref="RuleTable"/> goes through.</summary>
public class RuleTests
{
    public static TheoryData<RuleLine> Rules => RuleTable.All;

    [Theory]
    [MemberData(nameof(Rules))]
    public void Eager_equals_deferred_to_the_bit(RuleLine line)
    {
        foreach (int microBatches in new[] { 1, 3 })
        {
            var expected = Train(line, UpdateMode.Deferred, microBatches, checkpoint: false);
            foreach (bool checkpoint in new[] { false, true })
                foreach (var mode in Enum.GetValues<UpdateMode>())
                    Assert.Equal(expected, Train(line, mode, microBatches, checkpoint));
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Solves_small_problems(RuleLine line)
    {
        Assert.True(Descend(line, Quadratic) < 0.01, "Quadratic");
        Assert.True(Descend(line, Regression) < 0.01, "Regression");
        Assert.True(Descend(line, Valley) < 0.3, "Valley");
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Survives_spike_zero_and_huge_gradients(RuleLine line)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Uniform(new Shape(3, 5), -1, 1, new RandomKey(1, 1), device), Role.Hidden);
        using var updater = new Updater([weight], RuleTable.Everywhere(line.Make(), UpdateMode.Eager),
            new UpdaterOptions { Schedule = line.LearningRate });
        var g = Tensor.Uniform(weight.Shape, 0.5, 1, new RandomKey(1, 2), device);
        foreach (double size in new[] { 1, 1, 1000, 1, 0, 1, 0, 0, 1, 1e30, 0, 1 })
        {
            var before = weight.Value.ToArray();
            updater.Step(() => (weight.Value * (g * Tensor.Full(weight.Shape, size, device)))
                .Sum() * Tensor.Full(default(Shape), 1, device));
            var after = weight.Value.ToArray();
            Assert.All(after, w => Assert.True(float.IsFinite(w), $"a weight is {w} after a gradient of size {size}"));
            if (size == 1 && updater.GlobalStep < 10) Assert.NotEqual(before, after);
            foreach (var (name, value) in updater.States[0].Tensors)
                Assert.All(value.ToArray(), v => Assert.True(float.IsFinite(v), $"{name} is {v} after a gradient of size {size}"));
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void State_bytes_are_what_the_arena_holds(RuleLine line)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var model = new TinyModel(device);
        using (var updater = new Updater(model.Parameters, RuleTable.Everywhere(line.Make(), UpdateMode.Eager)))
        {
            long expected = model.Parameters.Sum(p => line.StateElements(p.Shape)) * sizeof(float);
            updater.Step(() => model.Loss(1, 2, 0.1));
            Assert.Equal(expected, updater.StateBytes);
            Assert.Equal(expected, device.Arena.Report.Live(Use.State));
            Assert.Equal(expected, updater.States.SelectMany(s => s.Tensors).Sum(t => t.Value.Bytes));
        }

        Assert.Equal(0, device.Arena.Report.Live(Use.State));
    }

    /// <summary>What a snapshot needs: tensors, numbers and the global step hold all there is to a state.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void A_copied_state_goes_on_to_the_bit(RuleLine line)
    {
        using var device = Device.CreateCpu(threads: 1);
        using TinyModel a = new(device), b = new(device);
        using var first = new Updater(a.Parameters, RuleTable.Everywhere(line.Make(), UpdateMode.Eager));
        using var second = new Updater(b.Parameters, RuleTable.Everywhere(line.Make(), UpdateMode.Eager));
        for (int i = 0; i < 3; i++) first.Step(() => a.Loss(i, 2, 0.1));
        for (int i = 0; i < a.Parameters.Length; i++) Copy(a.Parameters[i], first.States[i], b.Parameters[i], second.States[i]);
        second.GlobalStep = first.GlobalStep;
        first.Step(() => a.Loss(9, 2, 0.1));
        second.Step(() => b.Loss(9, 2, 0.1));
        Assert.Equal(a.Weights(), b.Weights());
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Same_bits_for_any_number_of_threads(RuleLine line)
    {
        var expected = Train(line, UpdateMode.Eager, 1, checkpoint: false, threads: 1, hidden: 67, inputs: 129);
        foreach (int threads in new[] { 2, 3 })
            Assert.Equal(expected, Train(line, UpdateMode.Eager, 1, checkpoint: false, threads, hidden: 67, inputs: 129));
    }

    private static void Copy(Parameter from, RuleState fromState, Parameter to, RuleState toState)
    {
        to.Value.CopyFrom<float>(from.Value.ToArray());
        foreach (var (source, target) in fromState.Tensors.Zip(toState.Tensors)) target.Value.CopyFrom<float>(source.Value.ToArray());
        foreach (var (name, value) in fromState.Numbers) toState.Number(name) = value;
    }

    private static float[] Train(RuleLine line, UpdateMode mode, int microBatches, bool checkpoint, int threads = 1, int hidden = 5,
        int inputs = 7)
    {
        using var device = Device.CreateCpu(threads);
        using var model = new TinyModel(device, hidden, inputs);
        using var updater = new Updater(model.Parameters, RuleTable.Everywhere(line.Make(), mode),
            new UpdaterOptions { Schedule = line.LearningRate });
        long atRest = device.Arena.Report.LiveBytes;
        for (int step = 0; step < 3; step++)
        {
            updater.Step(microBatches, k => model.Loss(step * microBatches + k, 4, 0.02 / microBatches, checkpoint));
            Assert.Equal(atRest, device.Arena.Report.LiveBytes);
        }

        return model.Weights();
    }

    /// <summary>The last loss over the first.</summary>
    private static double Descend(RuleLine line, Func<Tensor, Tensor> loss)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Uniform(4, 1.5, 2.5, new RandomKey(4, 4), device), Role.Hidden);
        using var updater = new Updater([weight], RuleTable.Everywhere(line.Make(), UpdateMode.Eager),
            new UpdaterOptions { Schedule = line.LearningRate });
        double first = updater.Step(() => loss(weight.Value)).Loss, last = first;
        for (int i = 0; i < 300; i++) last = updater.Step(() => loss(weight.Value)).Loss;
        return last / first;
    }

    private static Tensor Quadratic(Tensor w)
    {
        var scaled = w * Vector(w.Device, 0.5f, 1, 1.5f, 2);
        return (scaled * scaled).Sum();
    }

    private static Tensor Regression(Tensor w)
    {
        var x = Tensor.Uniform(new Shape(16, 4), -1, 1, new RandomKey(8, 1), w.Device);
        var error = (x * (w + Vector(w.Device, -1, 0, 1, 0.5f))).Sum([1]); // (16)
        return (error * error).Mean();
    }

    /// <summary>PyTorch's formula, step by step; no trace has dampening.</summary>
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.1)]
    [InlineData(0.7)]
    public void Sgd_takes_the_share_of_the_gradient_that_dampening_leaves(double dampening)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Full(1, 0.5, device), Role.Hidden);
        var rule = new Sgd { Momentum = 0.9, Dampening = dampening, WeightDecay = 0.01 };
        using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager), new UpdaterOptions { Schedule = 0.1 });
        double p = 0.5, b = 0;
        for (int t = 1; t <= 4; t++)
        {
            double g = 0.3 * t, d = g + 0.01 * p;
            updater.Step(() => weight.Value.Sum() * g);
            b = t == 1 ? d : 0.9 * b + (1 - dampening) * d;
            p -= 0.1 * b;
            Assert.Equal(p, weight.Value.ToArray<double>()[0], 1e-14);
        }
    }

    /// <summary>The product of neighbours pulled to one, with a small pull to zero: a curved valley.</summary>
    private static Tensor Valley(Tensor w)
    {
        var square = w * w + Vector(w.Device, -1, -1, -1, -1);
        return (square * square).Mean() + (w * Vector(w.Device, 0.1f, 0.1f, 0.1f, 0.1f)).Mean();
    }

    private static Tensor Vector(Device device, params ReadOnlySpan<float> values) => Tensor.From(values, values.Length, device);
}
