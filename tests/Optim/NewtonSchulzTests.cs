using MathNet.Numerics.LinearAlgebra;

namespace Mayfly.Tests;

/// <summary>The orthogonalisation against singular value decompositions, and what it does with memory and threads.</summary>
public class NewtonSchulzTests
{
    private static readonly NewtonSchulz five = new();

    /// <summary>Shape, the rank, and the factor that rows are multiplied by, each more than the one above.</summary>
    public static TheoryData<long, long, int, double> Matrices => new()
    {
        { 8, 8, 8, 1 }, { 33, 17, 17, 1 }, { 17, 65, 17, 1 }, { 3, 257, 3, 1 }, { 129, 5, 5, 1 }, { 1, 31, 1, 1 }, { 31, 1, 1, 1 },
            { 1, 1, 1, 1 },
        { 24, 40, 7, 1 }, { 40, 24, 1, 1 }, { 16, 16, 15, 1 }, { 20, 30, 20, 1.4 }, { 30, 20, 20, 0.7 },
        { 2, 300, 1, 1 }, { 300, 2, 2, 1e-3 }, { 270, 280, 40, 1 }, { 12, 16, 12, 10 },
    };

    /// <summary>
    /// Each singular value ends where the quintic takes it, and those of 0.002 of the norm or more in the published band, [0.68, 1.20];
    /// singular vectors stay: U^T X' V is diagonal.
    /// </summary>
    [Theory]
    [MemberData(nameof(Matrices))]
    public void Singular_values_end_in_the_published_band(long rows, long columns, int rank, double growth)
    {
        using Device cpu = Device.CreateCpu(threads: 1), reference = Device.CreateReference();
        foreach (var (device, precision) in new[] { (cpu, 1e-6), (reference, 1e-13) })
            foreach (double size in new[] { 1, 1e-3, 1e12 })
            {
                var x = Sample(rows, columns, rank, growth, size);
                var svd = x.Svd();
                using var scope = device.Scope("test");
                var moved = svd.U.TransposeThisAndMultiply(Dense(five.Run(Upload(x, device)))).TransposeAndMultiply(svd.VT);
                double norm = x.FrobeniusNorm() + 1e-7;
                for (int i = 0; i < moved.RowCount; i++)
                    for (int j = 0; j < moved.ColumnCount; j++)
                    {
                        double s = i == j ? svd.S[i] / norm : 0;
                        // a singular value of rounding noise is multiplied by a at each step
                        Assert.Equal(Quintic(s), moved[i, j], precision * 500 * Math.Sqrt(rows + columns));
                        if (s >= 0.002) Assert.InRange(Math.Abs(moved[i, j]), 0.68, 1.20);
                    }
            }
    }

    [Theory]
    [InlineData(0.002)]
    [InlineData(0.01)]
    [InlineData(0.1)]
    public void Five_steps_lift_small_singular_values_into_the_band(double smallest)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var x = Matrix<double>.Build.DenseDiagonal(6, 9, i => i == 0 ? Math.Sqrt(1 - 5 * smallest * smallest) : smallest);
        Assert.All(Dense(five.Run(Upload(x, device))).Svd(false).S, s => Assert.InRange(s, 0.68, 1.20));
    }

    [Fact]
    public void Zeros_stay_zeros()
    {
        using Device cpu = Device.CreateCpu(threads: 1), reference = Device.CreateReference();
        foreach (var device in new[] { cpu, reference })
            foreach (var guard in Enum.GetValues<NormGuard>())
                foreach (double? epsilon in new double?[] { 1e-7, 0, null })
                {
                    using var scope = device.Scope("test");
                    var rule = new NewtonSchulz { Guard = guard, Epsilon = epsilon };
                    Assert.All(rule.Run(Tensor.Zeros((5, 3), device)).ToArray<double>(), y => Assert.Equal(0, y));
                }
    }

    /// <summary>
    /// Above the epsilon the size of a matrix does not count, to the bit where it changes by a power of two; float squares would over- or
    /// underflow.
    /// </summary>
    [Fact]
    public void Size_does_not_count()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var rule = five with { Epsilon = 0 };
        var x = Sample(12, 20, 12, 1, 1).Map(v => (double)(float)v);
        var expected = rule.Run(Upload(x, device)).ToArray();
        foreach (int power in new[] { -100, -40, 3, 60, 110 })
            Assert.Equal(expected, rule.Run(Upload(x * Math.ScaleB(1, power), device)).ToArray());
    }

    /// <summary>What the epsilon does to a matrix of its own size.</summary>
    [Fact]
    public void The_epsilon_weakens_tiny_matrices()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        var tiny = Tensor.Full((1, 1), 1e-7, device);
        Assert.Equal(Quintic(0.5), five.Run(tiny).Item(), 1e-6);
        Assert.Equal(Quintic(1), (five with { Guard = NormGuard.Floor }).Run(tiny).Item(), 1e-6);
        Assert.Equal(Quintic(1), (five with { Epsilon = null }).Run(tiny).Item(), 1e-6);
    }

    /// <summary>Squares wider than a panel are multiplied in panels and mirrored.</summary>
    [Theory]
    [InlineData(300, 530)]
    [InlineData(530, 300)]
    [InlineData(515, 515)]
    public void Panels_make_the_same_polynomial_on_any_number_of_threads(long rows, long columns)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var x = Tensor.Normal((rows, columns), 0, 1, new RandomKey(3, 3), device);
        var unit = x.Scale((float)(1 / Math.Sqrt(x.SumSquares())));
        var square = unit.MatMul(unit.Transpose(0, 1));
        var expected = (unit.Scale(2) + square.MatMul(unit).Scale(-30) + square.MatMul(square).MatMul(unit).Scale(500)).ToArray();
        var rule = new NewtonSchulz { Steps = 1, A = 2, B = -30, C = 500 };
        var actual = rule.Run(x).ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-6f);
        using var three = Device.CreateCpu(threads: 3);
        using var other = three.Scope("test");
        Assert.Equal(actual, rule.Run(Tensor.Normal((rows, columns), 0, 1, new RandomKey(3, 3), three)).ToArray());
    }

    [Fact]
    public void Rounding_keeps_eight_binary_digits_and_the_band()
    {
        foreach (var device in new[] { Device.CreateCpu(threads: 1), Device.CreateReference() })
        {
            using var scope = device.Scope("test");
            var random = new Random(3);
            double[] values = [.. Enumerable.Range(0, 300).Select(_ => (random.NextDouble() - 0.5) * Math.ScaleB(1, random.Next(-30, 3)))];
            var x = Tensor.From<double>(values, 300, device);
            x.MapInPlace(new EightDigits(1, device.Backend.Float == DType.F64 ? 1L << 45 : 1 << 16));
            foreach (var (before, after) in values.Zip(x.ToArray<double>()))
            {
                double digit = Math.ScaleB(1, Math.ILogB(before) - 7);
                Assert.True(Math.Abs(after - before) <= digit * 0.5000001, $"{before:R} became {after:R}");
                Assert.Equal(0, Math.IEEERemainder(after, digit));
            }

            var x24 = Sample(24, 40, 24, 1, 1);
            var full = Dense(five.Run(Upload(x24, device)));
            var rounded = Dense((five with { Bfloat16 = true }).Run(Upload(x24, device)));
            Assert.InRange((rounded - full).FrobeniusNorm() / full.FrobeniusNorm(), 1e-3, 0.1);
            Assert.All(rounded.ToRowMajorArray(), v =>
                Assert.Equal(0, v == 0 ? 0 : Math.IEEERemainder(v, Math.ScaleB(1, Math.ILogB(v) - 7))));
            device.Dispose();
        }
    }

    [Fact]
    public void Wrong_matrices_are_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        Assert.Contains("(2, 3, 4)", Assert.Throws<ArgumentException>(() => five.Run(Tensor.Zeros((2, 3, 4), device))).Message);
        Assert.Contains("(0, 4)", Assert.Throws<ArgumentException>(() => five.Run(Tensor.Zeros((0, 4), device))).Message);
        Assert.Throws<ArgumentException>(() => five.Run(Tensor.Zeros((3, 4), device).Transpose(0, 1)));
        Assert.Throws<NonFiniteException>(() => five.Run(Tensor.Full((3, 4), double.NaN, device)));
    }

    [Fact]
    public void A_series_made_for_five_steps_takes_no_other_number()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var rule = new NewtonSchulz { Series = NewtonSchulzSeries.PolarExpress, Steps = 4 };
        Assert.Contains("for 5 steps, not 4", Assert.Throws<ArgumentException>(() => rule.Run(Tensor.Zeros((3, 4), device))).Message);
        using var weight = UpdaterTests.Make(device, "w", (6, 4));
        var route = RuleTable.Everywhere(new Muon { NewtonSchulz = rule }, UpdateMode.Eager);
        Assert.Contains("for 5 steps", Assert.Throws<ArgumentException>(() => new Updater([weight], route)).Message);
    }

    private static double Quintic(double s)
    {
        for (int i = 0; i < 5; i++) s = s * (3.4445 + s * s * (-4.7750 + s * s * 2.0315));
        return s;
    }

    /// <summary>A product of two random factors: of the given rank, row i multiplied by growth^i.</summary>
    private static Matrix<double> Sample(long rows, long columns, int rank, double growth, double size)
    {
        var left = Matrix<double>.Build.Random((int)rows, rank, 7);
        var right = Matrix<double>.Build.Random(rank, (int)columns, 8);
        return (left * right).MapIndexed((i, _, v) => v * size * Math.Pow(growth, i));
    }

    private static Tensor Upload(Matrix<double> x, Device device) =>
        Tensor.From<double>(x.ToRowMajorArray(), (x.RowCount, x.ColumnCount), device);

    private static Matrix<double> Dense(Tensor x) =>
        Matrix<double>.Build.DenseOfRowMajor((int)x.Shape[0], (int)x.Shape[1], x.ToArray<double>());
}
