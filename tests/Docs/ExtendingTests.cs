using Extending;

namespace Mayfly.Tests;

/// <summary>The sample of user-made parts, which sees the public API alone: it runs, and its parts do what they say.</summary>
public sealed class ExtendingTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    [Fact]
    public void The_sample_checks_its_gradients_and_trains()
    {
        var output = new StringWriter();
        double loss = Extending.Program.Run(output);
        Assert.Contains("gradient check passed", output.ToString());
        Assert.InRange(loss, 0, 0.01);
    }

    [Fact]
    public void Softsign_is_x_over_one_plus_its_size()
    {
        using var x = Tensor.From<double>([-3, 0, 1], 3, device);
        using var y = x.Softsign();
        Assert.Equal([-0.75, 0, 0.5], y.ToArray<double>());
    }

    [Fact]
    public void L2Norm_scales_rows_to_length_one_and_by_the_gain()
    {
        using var scope = device.Scope("test");
        var y = Tensor.From<double>([3, 4, 0, -2], (2, 2), device).L2Norm(Tensor.From<double>([1, 10], 2, device)).ToArray<double>();
        double[] expected = [0.6, 8, 0, -10];
        for (int i = 0; i < 4; i++) Assert.Equal(expected[i], y[i], 9);
        Assert.Contains("L2Norm: x (2, 3) and gain (2)", Assert.Throws<ArgumentException>(() =>
            Tensor.Ones((2, 3), device).L2Norm(Tensor.Ones(2, device))).Message);
    }

    [Fact]
    public void Cumulative_sums_accumulate_into_one_gradient()
    {
        using var scope = device.Scope("test");
        var start = Tensor.From<double>([1, 2, 3], 3, device);
        using var w = new Parameter("w", start, Role.Gain);
        Assert.Equal([1, 3, 6], w.Value.CumulativeSum().ToArray<double>());
        using var tape = Tape.Record(device);
        double[]? gradient = null;
        var loss = w.Value.CumulativeSum().Sum() + w.Value.Scale(2).CumulativeSum().Sum() + w.Value.Sum();
        tape.Backward(loss, (Parameter _, ref Gradient g) => gradient = g.Value!.ToArray<double>());
        Assert.Equal([3 + 6 + 1, 2 + 4 + 1, 1 + 2 + 1], gradient!);
    }

    [Theory, InlineData("reference"), InlineData("cpu 128"), InlineData("cpu 512"), InlineData("ilgpu-cpu")]
    public void Leaky_totals_and_their_gradient_are_the_same_on_every_device(string name)
    {
        using var on = name switch
        {
            "reference" => Device.CreateReference(),
            "ilgpu-cpu" => TestDevice.Open(),
            _ => Device.CreateCpu(threads: 2, int.Parse(name[4..])),
        };
        using var tape = Tape.Record(on);
        var x = tape.Watch(Tensor.From<double>([1, 10, 100, 2, 20, 200, 4, 40, 400, 0, 0, 8], (2, 2, 3), on));
        var y = x.LeakyTotal(0.5f);
        Assert.Contains("LeakyTotal: x (4, 3)", Assert.Throws<ArgumentException>(() => y.Reshape((4, 3)).LeakyTotal(1)).Message);
        double[] totals = [1, 10, 100, 2.5, 25, 250, 4, 40, 400, 2, 20, 208];
        Assert.Equal(totals, y.ToArray<double>());
        tape.Backward((y * y).Sum() + x.Sum());
        double[] gradients = [.. totals.Select((total, i) => 1 + 2 * total + (i % 6 < 3 ? totals[i + 3] : 0))];
        Assert.Equal(gradients, tape.GradientOf(x)!.ToArray<double>());
    }

    [Theory, InlineData(128), InlineData(256), InlineData(512)]
    public void Every_vector_width_agrees_with_the_reference(int bits)
    {
        using var cpu = Device.CreateCpu(threads: 2, bits);
        foreach (Shape shape in new Shape[] { 1, 17, (5, 1), (3, 31), (2, 3, 67) })
        {
            double[] expected = Gradient(device, shape), found = Gradient(cpu, shape);
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-4);
        }
    }

    /// <summary>The gradient of a function of the sample's ops.</summary>
    private static double[] Gradient(Device on, Shape shape)
    {
        using var tape = Tape.Record(on);
        var x = tape.Watch(Tensor.Uniform(shape, -2, 2, new RandomKey(1, 1), on));
        var gain = tape.Watch(Tensor.Uniform(shape[-1], -2, 2, new RandomKey(1, 2), on));
        var y = x.L2Norm(gain, epsilon: 0.01f).Softsign();
        tape.Backward((y * y * x).Sum());
        return [.. tape.GradientOf(x)!.ToArray<double>(), .. tape.GradientOf(gain)!.ToArray<double>()];
    }

    [Fact]
    public void Lion_steps_by_the_sign_of_the_mixed_gradient()
    {
        using var scope = device.Scope("test");
        using var p = new Parameter("p", Tensor.From<double>([1, 1, 1], 3, device), Role.Hidden);
        using var state = new RuleState(device);
        var lion = new Lion { Beta1 = 0.5, Beta2 = 0.75, WeightDecay = 0.5 };
        lion.Init(p, state);
        var step = new StepInfo(1, 0.125, 0);
        lion.Apply(p, Tensor.From<double>([8, -8, 0], 3, device), state, step);
        Assert.Equal([1 - 0.1875, 1 + 0.0625, 1 - 0.0625], p.Value.ToArray<double>());
        Assert.Equal([2, -2, 0], state.Tensor("m").ToArray<double>());
        lion.Apply(p, Tensor.From<double>([-1, -1, 1], 3, device), state, step);
        Assert.Equal([1.25, -1.75, 0.25], state.Tensor("m").ToArray<double>());
        Assert.True(p.Value.ToArray<double>()[0] < 0.8125, "momentum outweighs the new gradient");
    }

    [Fact]
    public void Spectral_steps_each_matrix_of_a_parameter_along_its_orthogonal_factor()
    {
        using var scope = device.Scope("test");
        using var p = new Parameter("p", Tensor.Zeros((5, 4), device), Role.Hidden) { RowBlocks = [3, 2] };
        using var state = new RuleState(device);
        var rule = new Spectral { Momentum = 0.5, Steps = 40 };
        rule.Init(p, state);
        var gradient = Tensor.Uniform((5, 4), -1, 1, new RandomKey(2, 1), device);
        rule.Apply(p, gradient, state, new StepInfo(1, 1, 0));
        Assert.Equal(gradient.ToArray(), state.Tensor("b").ToArray());
        foreach (var (start, rows) in new[] { (0, 3), (3, 2) })
        {
            var block = p.Value.Slice(0, start, rows);
            var products = block.MatMul(block.Transpose(0, 1)).ToArray<double>(); // X X^T = I
            for (int i = 0; i < products.Length; i++) Assert.Equal(i % (rows + 1) == 0 ? 1 : 0, products[i], 1e-9);
            Assert.True((block * gradient.Slice(0, start, rows)).Sum().Item() < 0, "down the gradient");
        }

        rule.Apply(p, gradient, state, new StepInfo(2, 0, 0));
        Assert.Equal(gradient.Scale(1.5f).ToArray(), state.Tensor("b").ToArray());
    }

    [Fact]
    public void Spectral_trains_hidden_matrices_beside_a_fallback()
    {
        using var cpu = Device.CreateCpu(threads: 1);
        using var scope = cpu.Scope("test");
        using var model = new Gpt(new GptConfig { VocabularySize = 7, Context = 5, Layers = 1, Heads = 2, Width = 8 }, cpu);
        using var updater = new Updater(
            model.Parameters(), Route.For(new Spectral { Fallback = new AdamW() }), new UpdaterOptions { Schedule = 0.02 });
        Tensor ids = GptTests.Ids(cpu, 2, 5, 1), targets = GptTests.Ids(cpu, 2, 5, 2);
        double first = updater.Step(() => model.Loss(ids, targets)).Loss, last = first;
        for (int step = 0; step < 30; step++) last = updater.Step(() => model.Loss(ids, targets)).Loss;
        Assert.True(last < 0.7 * first, $"{first} to {last}");
    }
}
