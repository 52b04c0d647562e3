namespace Mayfly.Tests;

/// <summary>The tape's rules and what it says when they are broken.</summary>
public sealed class TapeTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    [Fact]
    public void A_tape_is_swept_once()
    {
        using var tape = Tape.Record(device);
        var loss = Watched(tape, 3).Sum();
        tape.Backward(loss);
        Assert.Contains("already swept", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message);
    }

    [Fact]
    public void A_loss_has_one_element()
    {
        using var tape = Tape.Record(device);
        var y = Watched(tape, (2, 3)).Exp();
        Assert.Contains("the loss has shape (2, 3); reduce it", Assert.Throws<ArgumentException>(() => tape.Backward(y)).Message);
    }

    [Fact]
    public void A_loss_of_one_element_may_have_axes()
    {
        using var tape = Tape.Record(device);
        var x = Watched(tape, (1, 1));
        tape.Backward(x.Scale(3));
        Assert.Equal([3.0], tape.GradientOf(x)!.ToArray<double>());
    }

    [Fact]
    public void A_loss_that_nothing_led_to_is_an_error()
    {
        using var tape = Tape.Record(device);
        var x = Watched(tape, 3);
        Tensor loss;
        using (Tape.NoGrad()) loss = x.Sum();
        Assert.Contains("NoGrad", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message);
        Assert.Contains("no trainable parameter", Assert.Throws<InvalidOperationException>(() => tape.Backward(x.Detach().Sum())).Message);
    }

    [Fact]
    public void Without_a_tape_nothing_is_recorded()
    {
        using var scope = device.Scope("test");
        using var w = new Parameter("w", Tensor.Ones(3, device), Role.Gain);
        Assert.Null((w.Value * w.Value).Sum().Maker);
    }

    [Fact]
    public void One_thread_records_one_tape()
    {
        using var tape = Tape.Record(device);
        Assert.Contains("already records", Assert.Throws<InvalidOperationException>(() => Tape.Record(device)).Message);
    }

    [Fact]
    public void Another_tapes_tensor_is_an_error()
    {
        Tensor left;
        using (var first = Tape.Record(device)) left = Watched(first, 3).Exp().Keep();
        using var second = Tape.Record(device);
        string message = Assert.Throws<InvalidOperationException>(() => left.Scale(2)).Message;
        Assert.Contains("Scale: the tensor (3) was made on another tape, by Exp", message);
        left.Dispose();
    }

    [Fact]
    public void A_tensor_used_after_its_tape_names_the_op_and_the_scope()
    {
        Tensor left;
        using (var tape = Tape.Record(device)) left = Watched(tape, 3).Exp();
        string message = Assert.Throws<ObjectDisposedException>(() => left.Sum()).Message;
        Assert.Contains("Sum: the tensor (3) made by Exp was freed when scope 'tape' closed", message);
    }

    [Fact]
    public void A_saved_tensor_changed_in_place_is_an_error()
    {
        using var tape = Tape.Record(device);
        var x = Watched(tape, 3);
        var y = x.Exp();
        var loss = (y * y).Sum();
        y.Fill(0);
        string message = Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message;
        Assert.Contains("Multiply: the tensor (3) made by Exp was changed in place (version 2, saved as 1)", message);
    }

    [Fact]
    public void A_hook_may_not_read_other_weights()
    {
        using Parameter w = Make("w"), v = Make("v");
        using var tape = Tape.Record(device);
        var loss = (w.Value * v.Value).Sum();
        var e = Assert.Throws<InvalidOperationException>(
            () => tape.Backward(loss, (Parameter p, ref Gradient g) => _ = (p == w ? v : w).Value));
        Assert.Contains("in mid-sweep", e.Message);
    }

    [Fact]
    public void A_frozen_parameter_gets_no_gradient_and_no_hook()
    {
        using Parameter w = Make("w"), v = Make("v");
        w.Trainable = false;
        using var tape = Tape.Record(device);
        var fired = new List<string>();
        var expected = w.Value.ToArray();
        tape.Backward((w.Value * v.Value).Sum(), (Parameter p, ref Gradient g) =>
        {
            fired.Add(p.Name);
            Assert.Equal(expected, g.Value!.ToArray());
        });
        Assert.Equal(["v"], fired);
    }

    [Fact]
    public void A_parameter_that_no_gradient_reached_fires_with_none()
    {
        using Parameter w = Make("w"), v = Make("v");
        using var tape = Tape.Record(device);
        _ = v.Value.Exp();
        var reached = new Dictionary<string, bool>();
        tape.Backward(w.Value.Sum(), (Parameter p, ref Gradient g) => reached[p.Name] = g.Value is not null);
        Assert.Equal(new Dictionary<string, bool> { ["w"] = true, ["v"] = false }, reached);
    }

    [Fact]
    public void Only_plain_tensors_are_watched()
    {
        using var w = Make("w");
        using var tape = Tape.Record(device);
        Assert.Contains("watch a plain tensor", Assert.Throws<InvalidOperationException>(() => tape.Watch(w.Value)).Message);
        var x = Watched(tape, 2);
        Assert.Throws<InvalidOperationException>(() => tape.Watch(x.Exp()));
        Assert.Null(tape.GradientOf(x));
        tape.Backward(x.Scale(2).Sum());
        Assert.Equal([2.0, 2.0], tape.GradientOf(x)!.ToArray<double>());
    }

    [Fact]
    public void A_detached_weight_keeps_its_value_when_the_weight_moves()
    {
        using var w = Make("w");
        using var tape = Tape.Record(device);
        var x = Watched(tape, 3);
        var before = w.Value.ToArray<double>();
        var loss = (x * w.Value.Detach()).Sum() + w.Value.Reshape((3, 1)).Sum();
        tape.Backward(loss, (Parameter p, ref Gradient _) => p.Value.Fill(9));
        Assert.Equal(before, tape.GradientOf(x)!.ToArray<double>());
    }

    [Fact]
    public void Inputs_on_two_devices_are_an_error()
    {
        using var other = Device.CreateReference(DType.F32);
        using Tensor a = Tensor.Ones(2, device), b = Tensor.Ones(2, other);
        Assert.Contains("inputs on two devices", Assert.Throws<ArgumentException>(() => a + b).Message);
    }

    [Fact]
    public void Only_a_recorded_call_saves()
    {
        using var x = Tensor.Ones(2, device);
        string message = Assert.Throws<InvalidOperationException>(() => Op.Begin("Hoarder", x).Save(x)).Message;
        Assert.Contains("Hoarder: saves a tensor that no tape asked for", message);
    }

    [Fact]
    public void What_was_saved_for_a_record_that_never_came_is_freed_with_the_tape()
    {
        long before = device.Arena.Report.LiveBytes;
        using (var tape = Tape.Record(device))
        {
            var x = Watched(tape, 3);
            using (device.Scope("forward"))
            {
                var y = x.Exp();
                Assert.True(Op.Begin("Failing", y).Save(y).IsPresent);
            }

            tape.Backward(x.Scale(2).Sum());
        }

        Assert.Equal(before, device.Arena.Report.LiveBytes);
    }

    private Tensor Watched(Tape tape, Shape shape) => tape.Watch(Tensor.Uniform(shape, -1, 1, new RandomKey(2, 3), device));

    private Parameter Make(string name)
    {
        using var value = Tensor.Uniform(3, -1, 1, new RandomKey(4, name[0]), device);
        return new Parameter(name, value, Role.Gain);
    }
}
