namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    public static TheoryData<double> Exponents => new(
        0, 1, 2, 3, -1, 0.5, 4, 5, -2, -3, 7, 64, 65, -65, -64, 1000, 0.1, -0.5, 1.5, 2.7, -1.3, 1 / 3.0, 1e-3, 31.7, 127.5, -255.25);

    /// <summary>Result and derivative are off by at most 2e-7 of themselves, or a place and a half of a subnormal number.</summary>
    [Theory]
    [MemberData(nameof(Exponents))]
    public void A_power_is_within_its_error(double exponent)
    {
        var random = new Random(1);
        View x = Floats(4001), y = Clone(x), slope = Clone(x), dy = Clone(x);
        Edit<float>(dy, all => all.Fill(1));
        double reach = Math.Min(86, 86 / Math.Max(1e-9, Math.Abs(exponent))); // the result stays finite
        Edit<float>(x, all =>
        {
            for (int i = 0; i < 4001; i++)
            {
                float size = (float)Math.Exp(reach * (2 * random.NextDouble() - 1) * (i % 3 == 0 ? 0.01 : 1));
                all[i] = i % 2 == 1 && Math.Floor(exponent) == exponent ? -size : size;
            }
        });

        Device.Map(new Pow(exponent), x, y);
        Device.MapBack(new Pow(exponent), x, dy, slope, false);
        Closeness.OfItself(1.1e-38, 2e-7, Values(y), Single(x, v => Math.Pow(v, exponent)), $"x^{exponent}");
        double[] slopes = Single(x, v => exponent == 0 ? 0 : exponent * Math.Pow(v, exponent - 1));
        Closeness.OfItself(1.1e-38, 2e-7, Values(slope), slopes, $"derivative of x^{exponent}");
    }

    /// <summary>As IEEE 754 has them, which PyTorch follows.</summary>
    [Theory]
    [MemberData(nameof(Exponents))]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(double.NaN)]
    public void A_power_has_its_special_values(double exponent)
    {
        const float inf = float.PositiveInfinity;
        View x = Floats(12, 0f, -0f, inf, -inf, float.NaN, 1, -1, -2.5f, 3e38f, -3e38f, 1e-38f, -1e-38f), y = Floats(12);
        Device.Map(new Pow(exponent), x, y);
        double[] right = Single(x, v => Math.Pow(v, exponent)), found = Values(y);
        Closeness.OfItself(2e-38, 2e-7, found, right, $"x^{exponent}");
        for (int i = 0; i < 12; i++)
            if (right[i] == 0)
                Assert.True(double.IsNegative(right[i]) == double.IsNegative(found[i]), $"sign of {Values(x)[i]}^{exponent}");
    }

    private static double[] Single(in View x, Func<double, double> function) => [.. Values(x).Select(v => Rounded(function(v)))];

    /// <summary>The number, or infinity where it is beyond single precision.</summary>
    private static double Rounded(double x) => float.IsInfinity((float)x) ? (float)x : x;
}
