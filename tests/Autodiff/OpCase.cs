namespace Mayfly.Tests;

/// <summary>One line of the op table: a function of tensors and the inputs it is tested with.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Covers">The method it tests: its name, with parameter types where it is overloaded.</param>
/// <param name="Run">The function.</param>
/// <param name="Shapes">Lists of input shapes, small enough for finite differences.</param>
internal sealed record OpCase(string Name, string Covers, Func<Tensor[], Tensor> Run, params Shape[][] Shapes)
{
    /// <summary>The lower bound of floating-point inputs.</summary>
    public double Low { get; init; } = -2;

    /// <summary>The upper bound of floating-point inputs.</summary>
    public double High { get; init; } = 2;

    /// <summary>Per input: 0 for floating-point numbers; n for integers from <see cref="From"/> up to, but not including, n.</summary>
    public int[] Limits { get; init; } = [];

    /// <summary>The smallest integer of integer inputs.</summary>
    public int From { get; init; }

    /// <summary>More input shapes, for the comparison with the reference alone.</summary>
    public Shape[][] Large { get; init; } = [];

    /// <summary>What the op does to one element.</summary>
    public Func<double, double>? Scalar { get; init; }

    /// <summary>What the op does to a pair of elements.</summary>
    public Func<double, double, double>? Scalar2 { get; init; }

    /// <summary>Allowed difference of a device from the reference, relative to 1 + |value|.</summary>
    public double Tolerance { get; init; } = 2e-5;

    /// <summary>True where each call draws other random numbers.</summary>
    public bool IsRandom { get; init; }

    /// <summary>True where input <paramref name="k"/> holds integers.</summary>
    public bool IsInteger(int k) => k < Limits.Length && Limits[k] > 0;

    /// <summary>Input <paramref name="k"/> on a device; the same numbers on each.</summary>
    public Tensor Input(Device device, Shape[] shapes, int k)
    {
        var key = new RandomKey(5, (ulong)(Name.Sum(c => c) + 31 * k));
        var values = new float[shapes[k].Count];
        if (!IsInteger(k))
        {
            Rng.FillUniform(values, Low, High, key);
            return Tensor.From<float>(values, shapes[k], device);
        }

        Rng.FillUniform(values, From, Limits[k], key);
        return Tensor.From<int>(Array.ConvertAll(values, v => (int)Math.Floor(v)), shapes[k], device);
    }

    /// <summary>All inputs on a device.</summary>
    public Tensor[] Inputs(Device device, Shape[] shapes) => [.. Enumerable.Range(0, shapes.Length).Select(k => Input(device, shapes, k))];
}

/// <summary>
/// A function's value and the gradients of its inputs (null for integers), the value weighted by fixed numbers and summed.
/// </summary>
internal sealed record OpResult(Shape Shape, double[] Value, double[]?[] Gradients)
{
    /// <summary>Runs a function on a device.</summary>
    public static OpResult Of(OpCase op, Device device, Shape[] shapes, Func<Tensor[], Tensor> run)
    {
        using var tape = Tape.Record(device);
        var xs = op.Inputs(device, shapes);
        for (int k = 0; k < xs.Length; k++)
            if (!op.IsInteger(k)) tape.Watch(xs[k]);
        var y = run(xs);
        var value = y.ToArray<double>();
        tape.Backward(Weighted(y));
        return new OpResult(y.Shape, value, Array.ConvertAll(xs, x => tape.GradientOf(x)?.ToArray<double>()));
    }

    /// <summary>The number whose gradient is compared.</summary>
    public static Tensor Weighted(Tensor y) => (y * Tensor.Uniform(y.Shape, 0.5, 1.5, new RandomKey(11, 7), y.Device)).Sum();

    /// <summary>This result is that of <paramref name="expected"/>, times a factor, within a tolerance relative to 1 + |value|.</summary>
    public void IsNear(OpResult expected, double tolerance, string what, double factor = 1)
    {
        Assert.Equal(expected.Shape, Shape);
        Near(expected.Value, Value, factor, tolerance, $"{what}, value");
        for (int k = 0; k < Gradients.Length; k++)
        {
            Assert.True(expected.Gradients[k] is null == Gradients[k] is null, $"{what}: gradient of input {k} is present in one only");
            if (Gradients[k] is { } found) Near(expected.Gradients[k]!, found, factor, tolerance, $"{what}, gradient of input {k}");
        }
    }

    internal static void Near(double[] expected, double[] found, double factor, double tolerance, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < found.Length; i++)
        {
            double wanted = factor * expected[i];
            bool near = wanted.Equals(found[i]) || Math.Abs(wanted - found[i]) <= tolerance * (1 + Math.Abs(wanted));
            Assert.True(near, $"{what}, element {i}: {found[i]:G9}, expected {wanted:G9}");
        }
    }
}
