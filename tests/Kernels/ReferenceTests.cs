namespace Mayfly.Tests;

/// <summary>The specification against numbers worked out by hand, and the fixture's own guards.</summary>
public sealed partial class ReferenceTests : BackendTests
{
    private readonly struct Product : IMap2<Product>
    {
        public V F<V>(V a, V b) where V : struct, ILane<V> => a * b;
    }

    private readonly struct Mean(float count) : IFold<Mean>
    {
        public V Map<V>(V x) where V : struct, ILane<V> => x;

        public V Finish<V>(V total) where V : struct, ILane<V> => total / V.Of(count);
    }

    protected override Backend Create(int threads) => new ReferenceBackend<F1>();

    [Fact]
    public void Folds_the_axes_of_size_one()
    {
        var x = Floats((2, 3, 2), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        var y = Floats((2, 1, 2), 100, 100, 100, 100);
        Device.Fold(new Mean(3), x, y, add: true);
        Assert.Equal([103, 104, 109, 110], Values(y));
    }

    [Fact]
    public void Multiplies_back_only_into_the_wanted_gradient()
    {
        View a = Floats(2, 2, 3), b = Floats(2, 5, 7), dy = Floats(2, 1, 10), db = Floats(2, 1, 1);
        Device.Map2Back(new Product(), a, b, dy, default, false, db, addB: true);
        Assert.Equal([3, 31], Values(db));
    }

    [Fact]
    public void Copies_a_transposed_view()
    {
        View x = Floats((2, 3), 1, 2, 3, 4, 5, 6), y = Floats((3, 2), 0, 0, 0, 0, 0, 0);
        Device.Copy(x.With(x.Layout.Transpose(0, 1)), y);
        Assert.Equal([1, 4, 2, 5, 3, 6], Values(y));
    }

    [Fact]
    public void Sums_rows_that_repeat_an_id()
    {
        View table = Floats((3, 2), 0, 0, 0, 0, 0, 0), dy = Floats((3, 2), 1, 2, 3, 4, 5, 6);
        Device.Run(new ScatterAdd(dy, Integers(3, 2, 0, 2), table));
        Assert.Equal([3, 4, 0, 0, 6, 8], Values(table));
    }

    [Fact]
    public void Cross_entropy_of_even_logits_is_the_logarithm_of_their_number()
    {
        View logits = Mirror(Floats((2, 4), 7, 7, 7, 7, 1, 2, 3, 4)), targets = Integers(2, 1, -1);
        View stats = Mirror(Floats((2, 2), 0, 0, 0, 0)), loss = Mirror(Floats(2, 9, 9)), dloss = Mirror(Floats(1, 2));
        Reference.Run(new CrossEntropy(logits, targets, -1, stats, loss));
        Assert.Equal(Math.Log(4), Values(loss)[0], 1e-13);
        Assert.Equal(0, Values(loss)[1]);
        Reference.Run(new CrossEntropyBack(logits, targets, -1, stats, dloss, logits));
        Assert.Equal([0.5, -1.5, 0.5, 0.5, 0, 0, 0, 0], Values(logits).Select(x => Math.Round(x, 12)));
    }

    [Theory]
    [InlineData(false, new double[] { -2, 1, -4, 3 })]
    [InlineData(true, new double[] { -3, -4, 1, 2 })]
    public void Rotates_by_a_quarter_turn(bool halves, double[] expected)
    {
        View x = Floats((1, 1, 1, 4), 1, 2, 3, 4), table = Floats((1, 2, 2), 0, 1, 0, 1), y = Floats((1, 1, 1, 4), 0, 0, 0, 0);
        Device.Run(new Rotate(x, table, y, halves));
        Assert.Equal(expected, Values(y));
        Device.Run(new Rotate(y, table, y, halves, Inverse: true));
        Assert.Equal([1, 2, 3, 4], Values(y));
    }

    [Fact]
    public void Drops_about_the_rate_and_scales_the_rest()
    {
        View x = Floats(1000, Enumerable.Repeat(3f, 1000).ToArray()), y = Random(1, 1000);
        Device.Run(new Dropout(x, y, 0.25f, new RandomKey(1, 2)));
        Assert.InRange(Values(y).Count(v => v == 0), 200, 300);
        Assert.All(Values(y), v => Assert.True(v == 0 || Math.Abs(v - 4) < 1e-6));
    }

    [Fact]
    public void The_fixture_notices_a_write_outside_the_view()
    {
        var x = Random(1, (3, 4), Spread.Gaps);
        var expected = Mirror(x);
        Near(x, expected);
        Edit<float>(x, all => all[0] = 5);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Near(x, expected));
    }
}
