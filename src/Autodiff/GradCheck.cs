namespace Mayfly;

/// <summary>
/// Compares gradients with central finite differences; meant for the reference device, where arithmetic is in double precision.
/// </summary>
public static class GradCheck
{
    /// <summary>
    /// Checks the gradient of <paramref name="f"/> with respect to every element of every floating-point input. The function's result, of
    /// any shape, is weighted by fixed pseudo-random numbers and summed.
    /// </summary>
    /// <param name="f">The function; it must be a pure function of its inputs (random ops repeat, as the tape's key repeats).</param>
    /// <param name="inputs">The point. Use a reference device; integer inputs are passed through.</param>
    /// <param name="step">The half width of the difference.</param>
    /// <param name="tolerance">Allowed error, relative to 1 + |gradient|.</param>
    /// <exception cref="GradientMismatchException">
    /// A gradient is wrong or missing; the message names input, index and both values.
    /// </exception>
    public static void Run(Func<Tensor[], Tensor> f, Tensor[] inputs, double step = 1e-5, double tolerance = 1e-6)
    {
        var analytic = Analytic(f, inputs);
        for (int k = 0; k < inputs.Length; k++)
        {
            if (inputs[k].Type == DType.I32) continue;
            var point = inputs[k].ToArray<double>();
            for (int i = 0; i < point.Length; i++) Compare(f, inputs, k, i, point, analytic[k], step, tolerance);
        }
    }

    private static void Compare(
        Func<Tensor[], Tensor> f, Tensor[] inputs, int k, int i, double[] point, double[]? analytic, double step, double tolerance)
    {
        double numeric = (At(f, inputs, k, i, point, step) - At(f, inputs, k, i, point, -step)) / (2 * step);
        double found = analytic?[i] ?? 0;
        if (Math.Abs(numeric - found) <= tolerance * (1 + Math.Abs(numeric))) return;
        throw new GradientMismatchException(
            $"Gradient of input {k} {inputs[k].Shape} at element {i}: {(analytic is null ? "missing" : found.ToString("G9", null))}, "
            + $"finite differences give {numeric:G9}.");
    }

    private static double[]?[] Analytic(Func<Tensor[], Tensor> f, Tensor[] inputs)
    {
        using var tape = Tape.Record(inputs[0].Device);
        var leaves = Array.ConvertAll(inputs, x => x.Type == DType.I32 ? x : tape.Watch(Copy(x, x.ToArray<double>())));
        tape.Backward(Weighted(f(leaves)));
        return Array.ConvertAll(leaves, x => x.Type == DType.I32 ? null : tape.GradientOf(x)?.ToArray<double>());
    }

    private static double At(Func<Tensor[], Tensor> f, Tensor[] inputs, int k, int i, double[] point, double delta)
    {
        using var tape = Tape.Record(inputs[0].Device);
        var moved = (double[])point.Clone();
        moved[i] += delta;
        var leaves = (Tensor[])inputs.Clone();
        leaves[k] = Copy(inputs[k], moved);
        return Weighted(f(leaves)).Item();
    }

    private static Tensor Copy(Tensor like, double[] values) => Tensor.From<double>(values, like.Shape, like.Device);

    private static Tensor Weighted(Tensor y)
    {
        var weights = Tensor.Uniform(y.Shape, 0.5, 1.5, new RandomKey(11, 7), y.Device);
        return (y * weights).Sum();
    }
}

/// <summary>A gradient that differs from finite differences.</summary>
public sealed class GradientMismatchException(string message) : Exception(message);
