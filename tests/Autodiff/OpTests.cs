namespace Mayfly.Tests;

/// <summary>What every line of the op table must do.</summary>
public class OpTests
{
    private static readonly Device Reference = Device.CreateReference();

    private static readonly (int Bits, Device Device)[] Cpus =
        [.. new[] { 128, 256, 512 }.Select(bits => (bits, Device.CreateCpu(2, bits)))];

    public static TheoryData<string> Names => [.. OpTable.All.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Gradients_agree_with_finite_differences(string name)
    {
        var op = OpTable.All[name];
        foreach (var shapes in op.Shapes)
        {
            using var scope = Reference.Scope("inputs");
            GradCheck.Run(op.Run, op.Inputs(Reference, shapes));
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_width_agrees_with_the_reference(string name)
    {
        var op = OpTable.All[name];
        foreach (var shapes in op.Shapes.Concat(op.Large))
        {
            var expected = OpResult.Of(op, Reference, shapes, op.Run);
            foreach (var (bits, device) in Cpus)
                OpResult.Of(op, device, shapes, op.Run)
                    .IsNear(expected, op.Tolerance * Spread(shapes), $"{name} {Text(shapes)} at {bits} bits");
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Strided_inputs_give_the_same(string name)
    {
        var op = OpTable.All[name];
        foreach (var device in (Device[])[Reference, Cpus[1].Device])
            foreach (var shapes in op.Shapes.Concat(op.Large).Where(s => s.Any(x => x.Rank > 1)))
            {
                var expected = OpResult.Of(op, device, shapes, op.Run);
                OpResult.Of(op, device, shapes, x => op.Run(Array.ConvertAll(x, Strided)))
                    .IsNear(expected, Tolerance(device) * Spread(shapes), $"{name} {Text(shapes)} on strided views on {device}");
            }
    }

    [Theory, MemberData(nameof(Names))]
    public void Upstream_gradients_with_strides_or_an_offset_give_the_same(string name)
    {
        var op = OpTable.All[name];
        foreach (var device in (Device[])[Reference, Cpus[1].Device])
            foreach (var shapes in op.Shapes)
            {
                var expected = OpResult.Of(op, device, shapes, op.Run);
                string what = $"{name} {Text(shapes)} on {device}, upstream gradient";
                OpResult.Of(op, device, shapes, x => Strided(op.Run(x))).IsNear(expected, Tolerance(device), $"{what} with strides");
                OpResult.Of(op, device, shapes, x => Offset(op.Run(x))).IsNear(expected, Tolerance(device), $"{what} with an offset");
            }
    }

    [Theory, MemberData(nameof(Names))]
    public void Gradients_add_up(string name)
    {
        var op = OpTable.All[name];
        if (op.IsRandom) return;
        foreach (var device in (Device[])[Reference, Cpus[1].Device])
            foreach (var shapes in op.Shapes)
            {
                var expected = OpResult.Of(op, device, shapes, op.Run);
                OpResult.Of(op, device, shapes, x => op.Run(x) + op.Run(x))
                    .IsNear(expected, Tolerance(device), $"{name} {Text(shapes)} twice on {device}", factor: 2);
            }
    }

    [Theory, MemberData(nameof(Names))]
    public void An_input_alone_gets_the_same_gradient(string name)
    {
        var op = OpTable.All[name];
        foreach (var shapes in op.Shapes.Where(s => s.Length > 1))
        {
            var all = OpResult.Of(op, Reference, shapes, op.Run);
            for (int k = 0; k < shapes.Length; k++)
            {
                if (op.IsInteger(k)) continue;
                int only = k;
                var one = OpResult.Of(op, Reference, shapes, x => op.Run([.. x.Select((t, i) => i == only ? t : t.Detach())]));
                OpResult.Near(all.Gradients[k]!, one.Gradients[k]!, 1, 1e-12, $"{name} {Text(shapes)}, input {k} alone");
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Parameters_get_the_same_gradients_and_no_byte_leaks(string name)
    {
        var op = OpTable.All[name];
        foreach (var device in (Device[])[Reference, Cpus[0].Device])
            foreach (var shapes in op.Shapes)
            {
                var expected = OpResult.Of(op, device, shapes, op.Run);
                long before = device.Arena.Report.LiveBytes;
                Sweep(op, device, shapes, expected, failure: 0);
                Assert.Equal(before, device.Arena.Report.LiveBytes);
                for (int failure = 1; failure <= 2; failure++)
                {
                    Assert.Throws<OperationCanceledException>(() => Sweep(op, device, shapes, expected, failure));
                    Assert.Equal(before, device.Arena.Report.LiveBytes);
                }
            }
    }

    [Theory, MemberData(nameof(Names))]
    public void Values_are_those_of_plain_arithmetic(string name)
    {
        var op = OpTable.All[name];
        if (op.Scalar is null && op.Scalar2 is null) return;
        foreach (var shapes in op.Shapes.Concat(op.Large))
        {
            using var scope = Reference.Scope("values");
            var x = op.Inputs(Reference, shapes);
            OpResult.Near(Plain(op, x), op.Run(x).ToArray<double>(), 1, 1e-6, $"{name} {Text(shapes)}");
        }
    }

    /// <summary>Differentiates with parameters for inputs; throws before the sweep (failure 1) or in its first hook (failure 2).</summary>
    private static void Sweep(OpCase op, Device device, Shape[] shapes, OpResult expected, int failure)
    {
        using var scope = device.Scope("sweep");
        var inputs = op.Inputs(device, shapes);
        var parameters = inputs.Select((x, k) => op.IsInteger(k) ? null : new Parameter($"p{k}", x, Role.Hidden)).ToArray();
        try
        {
            using var tape = Tape.Record(device);
            var loss = OpResult.Weighted(op.Run([.. inputs.Select((x, k) => parameters[k]?.Value ?? x)]));
            if (failure == 1) throw new OperationCanceledException();
            tape.Backward(loss, (Parameter p, ref Gradient g) =>
            {
                if (failure == 2) throw new OperationCanceledException();
                int k = Array.IndexOf(parameters, p);
                Assert.Equal(p.Shape, g.Value!.Shape);
                string what = $"{op.Name} {Text(shapes)}, parameter {k}";
                OpResult.Near(expected.Gradients[k]!, g.Value.ToArray<double>(), 1, Tolerance(device), what);
                parameters[k] = null;
                p.Dispose();
            });
            Assert.All(parameters, Assert.Null);
        }
        finally
        {
            foreach (var p in parameters) p?.Dispose();
        }
    }

    private static Tensor Strided(Tensor x) => x.Rank < 2 || x.Type == DType.I32 ? x : (x.Transpose() * 1.0).Transpose();

    /// <summary>The same tensor by a way on which its gradient becomes a part of a larger one.</summary>
    private static Tensor Offset(Tensor y) =>
        Tensor.Concat(0, Tensor.Ones(3, y.Device), y.Reshape(-1)).Slice(0, 3, y.Count).Reshape(y.Shape);

    private static double[] Plain(OpCase op, Tensor[] x)
    {
        if (op.Scalar is { } scalar) return [.. x[0].ToArray<double>().Select(scalar)];
        var shape = Layout.Broadcast(x[0].Shape, x[1].Shape)!.Value;
        Layout a = Layout.RowMajor(x[0].Shape).TryBroadcast(shape)!.Value, b = Layout.RowMajor(x[1].Shape).TryBroadcast(shape)!.Value;
        double[] va = x[0].ToArray<double>(), vb = x[1].ToArray<double>();
        var y = new double[shape.Count];
        for (long i = 0; i < y.Length; i++) y[i] = op.Scalar2!(va[a.Place(i)], vb[b.Place(i)]);
        return y;
    }

    private static double Tolerance(Device device) => device.Float == DType.F64 ? 1e-11 : 2e-5;

    /// <summary>Sums of many numbers may differ more.</summary>
    private static double Spread(Shape[] shapes) => Math.Max(1, Math.Sqrt(shapes.Max(s => s.Count) / 32.0));

    private static string Text(Shape[] shapes) => string.Join(" ", shapes);
}
