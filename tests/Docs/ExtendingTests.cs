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
        Assert.Contains("L2Norm: x (2, 3) and gain (2)", Assert.Throws<ArgumentException>(() => Tensor.Ones((2, 3), device).L2Norm(Tensor.Ones(2, device))).Message);
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
}
