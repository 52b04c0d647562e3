namespace Mayfly.Tests;

/// <summary>Compares the gradients of a module's parameters with central finite differences, on the reference device.</summary>
internal static class ModelGradCheck
{
    private const double Step = 1e-5, Tolerance = 1e-6;

    /// <summary>Checks every <paramref name="stride"/>-th element of every parameter, and the first.</summary>
    public static void Run(Module model, Func<Tensor> loss, int stride)
    {
        var gradients = Gradients(model, loss);
        foreach (var parameter in model.Parameters())
        {
            var point = parameter.Value.ToArray<double>();
            for (int i = 0; i < point.Length; i += stride) Compare(model, parameter, i, point, loss, gradients[parameter.Name][i]);
            parameter.Value.CopyFrom<double>(point);
        }
    }

    private static Dictionary<string, double[]> Gradients(Module model, Func<Tensor> loss)
    {
        var gradients = new Dictionary<string, double[]>();
        using var tape = Tape.Record(model.Device, new RandomState(5, 1, 0));
        tape.Backward(loss(), (Parameter p, ref Gradient g) => gradients.Add(p.Name, g.Value!.ToArray<double>()));
        return gradients;
    }

    private static void Compare(Module model, Parameter parameter, int i, double[] point, Func<Tensor> loss, double found)
    {
        double numeric = (At(Step) - At(-Step)) / (2 * Step);
        Assert.True(Math.Abs(numeric - found) <= Tolerance * (1 + Math.Abs(numeric)),
            $"{parameter.Name}[{i}]: {found:G9}, finite differences give {numeric:G9}");

        double At(double delta)
        {
            var moved = (double[])point.Clone();
            moved[i] += delta;
            parameter.Value.CopyFrom<double>(moved);
            using var tape = Tape.Record(model.Device, new RandomState(5, 1, 0));
            return loss().Item();
        }
    }
}
