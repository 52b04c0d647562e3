namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    /// <summary>A shape and the axes to fold, as bits.</summary>
    public static TheoryData<long[], int> Folds => new()
    {
        { [1], 0b1 }, { [5], 0b1 }, { [67], 0b1 }, { [20_003], 0b1 }, { [0], 0b1 }, { [3, 0], 0b10 }, { [0, 3], 0b10 }, { [3, 0], 0b01 },
        { [7, 67], 0b10 }, { [7, 67], 0b01 }, { [7, 67], 0b11 }, { [7, 67], 0b00 }, { [300, 70], 0b01 }, { [3, 1030], 0b01 },
        { [2, 1031], 0b10 },
        { [5, 6, 7], 0b101 }, { [5, 6, 7], 0b010 }, { [4, 33, 5, 19], 0b0110 }, { [4, 33, 5, 19], 0b1001 }, { [4, 33, 5, 19], 0b1111 },
        { [1, 9, 1], 0b010 },
    };

    [Theory]
    [MemberData(nameof(Folds))]
    public void Fold_agrees_with_the_reference(long[] sizes, int axes)
    {
        Shape shape = new(sizes), kept = shape;
        for (int axis = 0; axis < sizes.Length; axis++)
            if ((axes >> axis & 1) != 0) kept = kept.With(axis, 1);
        foreach (var from in spreads)
            foreach (var to in shape.Count > 10_000 ? [Spread.Dense] : spreads)
                foreach (bool add in (bool[])[false, true])
                {
                    View x = Random(1, shape, from), y = Random(2, kept, to), expected = Mirror(y);
                    Device.Fold(default(TestNorm), x, y, add);
                    Reference.Fold(default(TestNorm), Mirror(x), expected, add);
                    Near(y, expected, 2e-6, 2e-6, $"sum, {from} to {to}, add {add}");
                    Device.Fold(default(TestLargest), x, y, add);
                    Reference.Fold(default(TestLargest), Mirror(x), expected, add);
                    Near(y, expected, 2e-6, 2e-6, $"largest, {from} to {to}, add {add}");
                }
    }

    [Theory]
    [InlineData(0b01)]
    [InlineData(0b10)]
    [InlineData(0b11)]
    public void Fold_sees_every_not_a_number(int axes)
    {
        for (int at = 0; at < 9 * 37; at += 17)
        {
            View x = Random(1, (9, 37)), y = Floats(((axes & 1) != 0 ? 1 : 9, (axes & 2) != 0 ? 1 : 37));
            Edit<float>(x, all => all[at] = float.NaN);
            Device.Fold(default(TestLargest), x, y, add: false);
            Assert.Single(Values(y), double.IsNaN);
            Device.Fold(default(TestNorm), x, y, add: false);
            Assert.Single(Values(y), double.IsNaN);
        }
    }

    [Fact]
    public void Fold_reads_a_repeated_operand()
    {
        View x = Random(1, (1, 70)), z = Floats((1, 70));
        var repeated = x.With(x.Layout.TryBroadcast((300, 70))!.Value);
        Device.Fold(default(TestNorm), repeated, z, add: false);
        for (int i = 0; i < 70; i++) Assert.Equal(Math.Sqrt(300) * Math.Abs(Values(x)[i] + 1), Values(z)[i], 1e-4);
    }

    [Fact]
    public void Fold_gives_the_same_bits_for_any_threads()
    {
        foreach (int axes in (int[])[0b01, 0b10, 0b11])
            SameBitsForAnyThreads(device =>
            {
                View x = Random(device, 1, (901, 903)), y = Random(device, 2, ((axes & 1) != 0 ? 1 : 901, (axes & 2) != 0 ? 1 : 903));
                device.Fold(default(TestNorm), x, y, add: true);
                return [y];
            });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(67)]
    [InlineData(10_021)]
    public void SumSquares_is_exact_to_double_precision(int count)
    {
        foreach (var spread in spreads)
        {
            var x = Random(1, (count, 2), spread, 10);
            double expected = Values(x).Sum(v => v * v);
            Assert.Equal(expected, Device.SumSquares(x), 1e-12 * expected);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void SumSquares_is_not_finite_where_an_element_is_not(float bad)
    {
        for (int at = 0; at < 67; at++)
        {
            var x = Random(1, 67);
            Edit<float>(x, all => all[at] = bad);
            Assert.False(double.IsFinite(Device.SumSquares(x)));
        }

        Assert.True(double.IsFinite(Device.SumSquares(Floats(2, 3e38f, 3e38f))));
    }

    [Fact]
    public void SumSquares_of_several_views_are_those_of_each()
    {
        View[] views = [Random(1, (3, 67), Spread.Gaps), Random(2, 0), Random(3, 1021, scale: 1e25f), Random(4, (2, 5), Spread.Turned)];
        var sums = new double[views.Length];
        Device.SumSquares(views, sums);
        for (int i = 0; i < views.Length; i++)
        {
            Assert.Equal(Device.SumSquares(views[i]), sums[i]);
            double expected = Reference.SumSquares(Mirror(views[i]));
            Assert.Equal(expected, sums[i], 1e-5 * expected);
        }
    }
}
