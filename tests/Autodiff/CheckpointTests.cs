namespace Mayfly.Tests;

/// <summary>Checkpointed segments: the same numbers with less memory, and clear words where a segment cannot be run again.</summary>
public sealed class CheckpointTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    [Fact]
    public void Several_inputs_and_outputs_give_the_plain_gradients()
    {
        Func<Tensor[], Tensor[]> segment = x => [x[0] * x[1], (x[0] + x[1]).Exp(), x[1].Tanh()];
        Assert.Equal(Gradients(x => Mix(segment(x))), Gradients(x => Mix(Tape.Checkpoint(segment, x))));
        static Tensor Mix(Tensor[] y) => (y[0] * y[1]).Sum() + y[0].Sum();
    }

    [Fact]
    public void An_output_that_is_an_input_passes_its_gradient()
    {
        Func<Tensor[], Tensor[]> segment = x => [x[0], x[0].Exp() * x[1]];
        Assert.Equal(Gradients(x => Mix(segment(x))), Gradients(x => Mix(Tape.Checkpoint(segment, x))));
        static Tensor Mix(Tensor[] y) => (y[0] * y[1]).Sum();
    }

    [Fact]
    public void Dropout_inside_equals_dropout_outside_to_the_bit()
    {
        Func<Tensor[], Tensor[]> segment = x => [(x[0].Dropout(0.3f) * x[1]).Dropout(0.5f)];
        Assert.Equal(Gradients(x => segment([segment(x)[0], x[1]])[0].Sum()),
            Gradients(x => Tape.Checkpoint(segment, Tape.Checkpoint(segment, x)[0], x[1])[0].Sum()));
    }

    [Fact]
    public void A_captured_tensor_that_needs_a_gradient_is_an_error()
    {
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.Ones(3, device));
        var captured = x.Exp();
        var e = Assert.Throws<InvalidOperationException>(() => Tape.Checkpoint(y => y * captured, x));
        Assert.Contains("Multiply: a checkpointed segment reads the tensor (3) made outside it by Exp", e.Message);
    }

    [Fact]
    public void A_segment_that_does_something_else_when_run_again_is_an_error()
    {
        int runs = 0;
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.Ones(3, device));
        var y = Tape.Checkpoint(z => runs++ == 0 ? z.Exp().Tanh() : z.Exp().Sigmoid(), x);
        var e = Assert.Throws<InvalidOperationException>(() => tape.Backward(y.Sum()));
        Assert.Contains("differs from its first run at op 1: first Tanh, now Sigmoid", e.Message);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_weight_read_without_gradient_counts_as_used(bool compared)
    {
        using var w = new Parameter("w", Tensor.Ones(3, device), Role.Gain);
        double[] without = Run(false), with = Run(true);
        Assert.Equal(without, with);

        double[] Run(bool checkpoint)
        {
            w.Value.Fill(0.5);
            using var tape = Tape.Record(device);
            var x = tape.Watch(Tensor.Full(3, 0.7, device));
            var y = checkpoint ? Tape.Checkpoint(Segment, x) : Segment(x);
            tape.Backward((y * w.Value).Sum(), (Parameter p, ref Gradient g) => p.Value.Fill(9));
            return tape.GradientOf(x)!.ToArray<double>();
        }

        Tensor Segment(Tensor x)
        {
            Tensor scale;
            using (Tape.NoGrad()) scale = compared ? w.Value < x : w.Value.Exp();
            return x * scale;
        }
    }

    [Fact]
    public void A_segment_keeps_nothing_between_forward_and_backward()
    {
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.Ones(64, device));
        long before = device.Arena.Report.LiveBytes;
        _ = Tape.Checkpoint(z => z.Exp().Tanh().Exp().Tanh(), x);
        Assert.Equal(64 * 8, device.Arena.Report.LiveBytes - before);
    }

    /// <summary>Value and gradients of a function of two vectors.</summary>
    private double[] Gradients(Func<Tensor[], Tensor> f)
    {
        using var tape = Tape.Record(device, new RandomState(7, 1, 0));
        var x = Enumerable.Range(0, 2).Select(i => tape.Watch(Tensor.Uniform(11, -1, 1, new RandomKey(2, (ulong)i), device))).ToArray();
        var loss = f(x);
        double value = loss.Item();
        tape.Backward(loss);
        return [value, .. x.SelectMany(t => tape.GradientOf(t)!.ToArray<double>())];
    }
}
