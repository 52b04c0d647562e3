namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    /// <summary>Shapes around the lane widths, the block and the chunk.</summary>
    public static TheoryData<long[]> MapShapes => new()
    {
        new long[] { }, new long[] { 1 }, new long[] { 3 }, new long[] { 16 }, new long[] { 31 }, new long[] { 257 }, new long[] { 16_387 },
        new long[] { 0, 4 }, new long[] { 5, 3 }, new long[] { 3, 65 }, new long[] { 7, 1, 67 }, new long[] { 2, 3, 4, 5 },
        new long[] { 3, 2, 1, 5, 2, 67 },
    };

    private static readonly Spread[] spreads = [Spread.Dense, Spread.Gaps, Spread.Sparse, Spread.Turned];

    [Theory]
    [MemberData(nameof(MapShapes))]
    public void Map_agrees_with_the_reference(long[] sizes)
    {
        var shape = new Shape(sizes);
        foreach (var from in spreads)
            foreach (var to in spreads)
            {
                if (shape.Count > 1000 && from != to && to != Spread.Dense) continue;
                View x = Random(1, shape, from, 3), y = Random(2, shape, to), expected = Mirror(y);
                Device.Map(new TestSquare(1.5f), x, y);
                Reference.Map(new TestSquare(1.5f), Mirror(x), expected);
                Near(y, expected, what: $"{from} to {to}");
                if (from != to) continue;
                Device.Map(new TestSquare(1.5f), x, x);
                SameBits(x, y, $"in place, {from}");
            }
    }

    [Theory]
    [MemberData(nameof(MapShapes))]
    public void MapBack_agrees_with_the_reference(long[] sizes)
    {
        var shape = new Shape(sizes);
        foreach (var spread in spreads)
            foreach (bool add in (bool[])[false, true])
            {
                View x = Random(1, shape, spread, 3), dy = Random(2, shape), dx = Random(3, shape, spread), expected = Mirror(dx);
                Device.MapBack(default(TestSigmoid), x, dy, dx, add);
                Reference.MapBack(default(TestSigmoid), Mirror(x), Mirror(dy), expected, add);
                Near(dx, expected, what: $"{spread}, add {add}");
            }
    }

    [Fact]
    public void MapBack_may_overwrite_the_gradient()
    {
        View x = Random(1, 1031), dy = Random(2, 1031), dx = Random(3, 1031);
        Device.MapBack(default(TestSigmoid), x, dy, dx, add: false);
        Device.MapBack(default(TestSigmoid), x, dy, dy, add: false);
        SameBits(dy, dx);
    }

    [Theory]
    [MemberData(nameof(MapShapes))]
    public void Map2_and_its_gradients_agree_with_the_reference(long[] sizes)
    {
        var shape = new Shape(sizes);
        foreach (var spread in spreads)
            for (int flags = 0; flags < 16; flags += shape.Count > 1000 ? 11 : 1)
            {
                bool addA = (flags & 1) != 0, addB = (flags & 2) != 0, hasA = (flags & 4) != 0, hasB = (flags & 8) != 0;
                View a = Random(1, shape, spread, 2), b = Random(2, shape, Spread.Dense, 2), y = Random(3, shape, spread),
                    expected = Mirror(y);
                View da = hasA ? Random(4, shape, spread) : default, db = hasB ? Random(5, shape) : default;
                View expectedA = Mirror(da), expectedB = Mirror(db);
                Device.Map2(default(TestRatio), a, b, y);
                Reference.Map2(default(TestRatio), Mirror(a), Mirror(b), expected);
                Near(y, expected, what: $"{spread}");
                Device.Map2Back(default(TestRatio), a, b, y, da, addA, db, addB);
                Reference.Map2Back(default(TestRatio), Mirror(a), Mirror(b), Mirror(y), expectedA, addA, expectedB, addB);
                if (hasA) Near(da, expectedA, what: $"{spread}, flags {flags}, da");
                if (hasB) Near(db, expectedB, what: $"{spread}, flags {flags}, db");
            }
    }

    /// <summary>Which of the axes of (3, 37, 70) each operand repeats.</summary>
    [Theory]
    [InlineData(0b000, 0b001)]
    [InlineData(0b000, 0b110)]
    [InlineData(0b000, 0b111)]
    [InlineData(0b010, 0b101)]
    [InlineData(0b001, 0b010)]
    [InlineData(0b111, 0b111)]
    public void Map2_and_Map3_repeat_operands(int repeatA, int repeatB)
    {
        View a = Repeated(1, repeatA), b = Repeated(2, repeatB), c = Repeated(3, repeatA ^ repeatB), y = Random(4, (3, 37, 70)),
            expected = Mirror(y);
        Device.Map2(default(TestRatio), a, b, y);
        Reference.Map2(default(TestRatio), Mirror(a), Mirror(b), expected);
        Near(y, expected);
        Device.Map3(default(TestBlend), a, b, c, y);
        Reference.Map3(default(TestBlend), Mirror(a), Mirror(b), Mirror(c), expected);
        Near(y, expected);
    }

    [Fact]
    public void Map2Back_may_overwrite_the_gradient_by_either_result()
    {
        View a = Random(1, 1031), b = Random(2, 1031), dy = Random(3, 1031), da = Random(4, 1031), db = Random(5, 1031);
        Device.Map2Back(default(TestRatio), a, b, dy, da, false, db, false);
        View first = Clone(dy), second = Clone(dy), other = Random(6, 1031);
        Device.Map2Back(default(TestRatio), a, b, first, first, false, other, false);
        SameBits(first, da);
        SameBits(other, db);
        Device.Map2Back(default(TestRatio), a, b, second, other, false, second, false);
        SameBits(second, db);
        SameBits(other, da);
    }

    [Fact]
    public void An_element_has_the_same_bits_wherever_it_lies()
    {
        View x = Random(1, 20_011, Spread.Dense, 5), y = Random(2, 20_011), z = Random(3, 20_011, Spread.Sparse);
        Device.Map(default(TestGeluTanh), x, y);
        Device.Map(default(TestGeluTanh), x, z);
        SameBits(z, y);
        foreach (int start in (int[])[1, 7, 16_383, 20_010])
        {
            var part = x.With(x.Layout.Slice(0, start, 20_011 - start));
            var moved = Random(4, 20_011 - start);
            Device.Map(default(TestGeluTanh), part, moved);
            SameBits(moved, y.With(y.Layout.Slice(0, start, 20_011 - start)));
        }
    }

    [Fact]
    public void Map_writes_to_one_thread_and_many_alike() => SameBitsForAnyThreads(device =>
    {
        View x = Random(device, 1, (301, 303), Spread.Gaps, 4), y = Random(device, 2, (301, 303));
        device.Map(default(TestGeluErf), x, y);
        return [y];
    });

    /// <summary>The activation's formula and double precision agree; each line is one formula, its range and its bounds.</summary>
    [Fact]
    public void Activations_stay_within_their_errors()
    {
        var x = Floats(20_001, [.. Enumerable.Range(-10_000, 20_001).Select(i => i * 1e-3f)]);
        WithinOf(default(TestSigmoid), x, 3e-7, 0);
        WithinOf(default(TestGeluTanh), x, 4e-7, 3e-7);
        WithinOf(default(TestGeluErf), x, 4e-7, 6e-7);
    }

    [Theory]
    [InlineData(float.NaN, float.NaN, float.NaN, float.NaN)]
    [InlineData(float.PositiveInfinity, 1f, float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(-200f, 0f, 0f, 0f)]
    [InlineData(200f, 1f, 200f, 200f)]
    [InlineData(0f, 0.5f, 0f, 0f)]
    public void Activations_have_their_special_values(float x, float sigmoid, float geluTanh, float geluErf)
    {
        View at = Floats(3, x, x, x), y = Floats(3);
        Device.Map(default(TestSigmoid), at, y);
        Assert.Equal(sigmoid, Values(y)[2], 1e-20);
        Device.Map(default(TestGeluTanh), at, y);
        Assert.Equal(geluTanh, Values(y)[2], 1e-20);
        Device.Map(default(TestGeluErf), at, y);
        Assert.Equal(geluErf, Values(y)[2], 1e-20);
    }

    private void WithinOf<TOp>(TOp op, in View x, double relative, double absolute) where TOp : unmanaged, IMap1<TOp>
    {
        View y = Clone(x), expected = Mirror(x);
        Device.Map(op, x, y);
        Reference.Map(op, expected, expected);
        Near(y, expected, relative, absolute, typeof(TOp).Name);
    }

    private View Repeated(int seed, int axes)
    {
        var shape = new Shape(3, 37, 70);
        for (int axis = 0; axis < 3; axis++)
            if ((axes >> axis & 1) != 0) shape = shape.With(axis, 1);
        var view = Random(seed, shape, Spread.Gaps, 2);
        return view.With(view.Layout.TryBroadcast((3, 37, 70))!.Value);
    }
}
