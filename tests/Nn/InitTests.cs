namespace Mayfly.Tests;

/// <summary>Initial values: their spread, and what they depend on.</summary>
public sealed class InitTests : IDisposable
{
    private readonly Device device = Device.CreateCpu(threads: 1);

    public static TheoryData<string, double, double> Spreads => new()
    {
        { "normal", 0.02, double.PositiveInfinity },
        { "uniform", 2 / Math.Sqrt(12), 1 },
        { "xavier normal", Math.Sqrt(2.0 / (64 + 192)), double.PositiveInfinity },
        { "xavier uniform", Math.Sqrt(2.0 / (64 + 192)), Math.Sqrt(6.0 / (64 + 192)) },
        { "kaiming normal", Math.Sqrt(2.0 / 192), double.PositiveInfinity },
        { "kaiming uniform", Math.Sqrt(2.0 / 192), Math.Sqrt(6.0 / 192) },
    };

    public void Dispose() => device.Dispose();

    [Theory]
    [MemberData(nameof(Spreads))]
    public void Values_have_the_stated_deviation_and_bound(string name, double deviation, double bound)
    {
        var values = new float[64 * 192];
        Named(name)(values, 0, new Shape(64, 192), new RandomKey(1, 2));
        Assert.InRange(values.Average(), -0.03 * deviation, 0.03 * deviation);
        Assert.InRange(Math.Sqrt(values.Average(v => (double)v * v)), 0.98 * deviation, 1.02 * deviation);
        Assert.True(values.Max(Math.Abs) <= bound);
    }

    [Fact]
    public void Constants_are_exact_and_vectors_have_no_fans()
    {
        var values = new float[5];
        Init.Ones(values, 0, 5, default);
        Assert.All(values, v => Assert.Equal(1f, v));
        Assert.Contains("Init: shape (5) has no fan-in",
            Assert.Throws<ArgumentException>(() => Init.XavierNormal()(new float[5], 0, 5, default)).Message);
    }

    [Fact]
    public void A_parameter_depends_on_its_seed_and_number_alone()
    {
        var first = Draw(new ParameterSource(device, 7), 2);
        var other = new ParameterSource(device, 7);
        Draw(new ParameterSource(device, 8), 3);
        Assert.Equal(first, Draw(other, 2));
        Assert.NotEqual(first[0], first[1]);
        Assert.NotEqual(first, Draw(new ParameterSource(device, 8), 2));
    }

    [Fact]
    public void The_reference_starts_from_the_same_values()
    {
        using var reference = Device.CreateReference();
        Assert.Equal(Draw(new ParameterSource(device, 7), 2), Draw(new ParameterSource(reference, 7), 2));
    }

    [Fact]
    public void A_size_below_one_is_refused()
    {
        var e = Assert.Throws<ArgumentException>(() => new ParameterSource(device).New("weight", new Shape(3, 0), Role.Hidden, Init.Ones));
        Assert.Contains("Parameter weight: shape (3, 0) has a size below 1", e.Message);
    }

    private static Initializer Named(string name) => name switch
    {
        "normal" => Init.Normal(0.02),
        "uniform" => Init.Uniform(-1, 1),
        "xavier normal" => Init.XavierNormal(),
        "xavier uniform" => Init.XavierUniform(),
        "kaiming normal" => Init.KaimingNormal(),
        _ => Init.KaimingUniform(),
    };

    private static float[][] Draw(ParameterSource source, int count)
    {
        var all = new float[count][];
        for (int i = 0; i < count; i++)
        {
            using var parameter = source.New("p", 9, Role.Gain, Init.Normal(1));
            all[i] = parameter.Value.ToArray();
        }

        return all;
    }
}
