namespace Mayfly.Tests;

/// <summary>The reference device computes with constants in double precision, too: each against its formula, to 14 digits.</summary>
public class ReferencePrecisionTests
{
    public static TheoryData<string, Func<Tensor, Tensor>, Func<double, double>> Constants => new()
    {
        { "Pow", x => x.Pow(0.1), x => Math.Pow(x, 0.1) },
        { "Scale", x => x.Scale(0.1), x => 0.1 * x },
        { "Add", x => x + 0.1, x => x + 0.1 },
        { "Subtract", x => 0.1 - x, x => 0.1 - x },
        { "Multiply", x => 0.1 * x, x => 0.1 * x },
        { "Divide", x => x / 0.3, x => x / 0.3 },
        { "Divide into", x => 0.3 / x, x => 0.3 / x },
        { "MaskedFill", x => x.MaskedFill(Tensor.Ones(x.Shape, x.Device), 0.1), _ => 0.1 },
    };

    [Theory]
    [MemberData(nameof(Constants))]
    public void A_constant_is_a_double(string name, Func<Tensor, Tensor> op, Func<double, double> formula)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        double[] x = [0.25, 0.7, 1, 3.3];
        Closeness.OfItself(0, 1e-14, op(Tensor.From<double>(x, 4, device)).ToArray<double>(), [.. x.Select(formula)], name);
    }

    [Theory]
    [InlineData(1e-5)]
    [InlineData(1e-6)]
    public void An_epsilon_is_a_double(double epsilon)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        double[] x = [1e-3, -2e-3, 3e-3];
        double mean = x.Average(), variance = x.Average(v => (v - mean) * (v - mean)), square = x.Average(v => v * v);
        Tensor row = Tensor.From<double>(x, (1, 3), device), gain = Tensor.Ones(3, device);
        Closeness.OfItself(
            0, 1e-13, row.RmsNorm(gain, epsilon).ToArray<double>(), [.. x.Select(v => v / Math.Sqrt(square + epsilon))], "RmsNorm");
        Closeness.OfItself(
            0, 1e-13, row.LayerNorm(gain, null, epsilon).ToArray<double>(), [.. x.Select(v => (v - mean) / Math.Sqrt(variance + epsilon))],
            "LayerNorm");
    }

    /// <summary>A head size of which neither root nor reciprocal is a float.</summary>
    [Fact]
    public void The_scale_of_attention_is_a_double()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        var q = Tensor.From<double>([0.3, 0.7, -0.2], (1, 1, 1, 3), device);
        var v = Tensor.From<double>([1, 2, 3, -1, 5, 0.5], (1, 2, 1, 3), device);
        double first = (0.3 * 1 + 0.7 * 2 - 0.2 * 3) / Math.Sqrt(3), second = (0.3 * -1 + 0.7 * 5 - 0.2 * 0.5) / Math.Sqrt(3);
        double p = 1 / (1 + Math.Exp(second - first));
        double[] right = [p - (1 - p), 2 * p + 5 * (1 - p), 3 * p + 0.5 * (1 - p)];
        Closeness.OfItself(0, 1e-14, q.Attention(v, v, causal: false).ToArray<double>(), right, "attention");
    }
}
