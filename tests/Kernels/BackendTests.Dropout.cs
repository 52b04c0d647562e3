namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    private static readonly RandomKey dropoutKey = new(0x1234_5678_9ABC_DEF0, 0x0FED_CBA9_8765_4321);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(1021)]
    [InlineData(8219)]
    public void Dropout_keeps_by_the_number_of_the_element(int count)
    {
        foreach (float rate in (float[])[0f, 0.1f, 0.5f, 0.9f])
            foreach (bool add in (bool[])[false, true])
            {
                View x = Random(1, count), y = Random(2, count), expected = Mirror(y), inPlace = Clone(x);
                Device.Run(new Dropout(x, y, rate, dropoutKey, add));
                Reference.Run(new Dropout(Mirror(x), expected, rate, dropoutKey, add));
                Near(y, expected, 1e-6, 1e-6, $"rate {rate}, add {add}");
                if (add) continue;
                Device.Run(new Dropout(inPlace, inPlace, rate, dropoutKey));
                SameBits(inPlace, y, "in place");
                double[] before = Values(x), after = Values(y);
                for (int i = 0; i < count; i++)
                    Assert.Equal(Philox.Unit(Philox.Bits(dropoutKey, i)) >= rate, after[i] != 0 || before[i] == 0);
            }
    }

    [Fact]
    public void Dropout_keeps_the_share_it_promises()
    {
        View x = Random(1, 100_000), y = Clone(x);
        Edit<float>(x, all => all.Fill(1));
        Device.Run(new Dropout(x, y, 0.3f, dropoutKey));
        double kept = Values(y).Count(v => v != 0) / 1e5, mean = Values(y).Average();
        Assert.Equal(0.7, kept, 0.006);
        Assert.Equal(1, mean, 0.01);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(1021)]
    [InlineData(8219)]
    public void Uniform_numbers_are_odd_multiples_on_every_device(int count)
    {
        View y = Random(1, count), z = Mirror(y);
        Device.Run(new Uniform(y, dropoutKey));
        Reference.Run(new Uniform(z, dropoutKey));
        double[] found = Values(y), naive = Values(z);
        for (int i = 0; i < count; i++)
        {
            double expected = (2.0 * (Philox.Bits(dropoutKey, i) >> 8) + 1) / (1 << 24) - 1;
            Assert.Equal(expected, found[i]);
            Assert.Equal(expected, naive[i]);
        }
    }

    [Fact]
    public void Dropout_drops_infinities()
    {
        View x = Random(1, 100), y = Clone(x);
        Edit<float>(x, all => all.Fill(float.PositiveInfinity));
        Device.Run(new Dropout(x, y, 0.5f, dropoutKey));
        Assert.DoesNotContain(double.NaN, Values(y));
        Assert.Contains(0.0, Values(y));
    }
}
