namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    [Theory]
    [MemberData(nameof(MapShapes))]
    public void Copy_takes_any_strides(long[] sizes)
    {
        var shape = new Shape(sizes);
        foreach (var from in spreads)
            foreach (var to in spreads)
                foreach (bool add in (bool[])[false, true])
                {
                    View x = Random(1, shape, from), y = Random(2, shape, to), expected = Mirror(y);
                    Device.Copy(x, y, add);
                    Reference.Copy(Mirror(x), expected, add);
                    Near(y, expected, add ? 1e-6 : 0, add ? 1e-6 : 0, $"{from} to {to}, add {add}");
                }
    }

    [Theory]
    [InlineData(1, 5, 7)]
    [InlineData(3, 64, 64)]
    [InlineData(2, 33, 127)]
    [InlineData(1, 130, 200)]
    public void Copy_turns_matrices(int batch, int rows, int columns)
    {
        View x = Random(1, (batch, rows, columns)), y = Random(2, (batch, columns, rows));
        Device.Copy(x.With(x.Layout.Transpose(1, 2)), y);
        SameBits(y, x.With(x.Layout.Transpose(1, 2)));
        var back = Random(3, (batch, rows, columns));
        Device.Copy(y, back.With(back.Layout.Transpose(1, 2)));
        SameBits(back, x);
    }

    [Fact]
    public void Copy_keeps_the_bits_of_integers()
    {
        View x = Integers((2, 3), int.MinValue, -1, 0, 1, 0x7FC00001, int.MaxValue), y = Integers((3, 2));
        Device.Copy(x.With(x.Layout.Transpose(0, 1)), y);
        Assert.Equal([int.MinValue, 1, -1, 0x7FC00001, 0, int.MaxValue], All<int>(y));
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.F64)]
    [InlineData(DType.I32)]
    public void Copy_converts_there_and_back(DType through)
    {
        foreach (int count in (int[])[0, 1, 17, 20_011])
        {
            View x = Floats(count, [.. Enumerable.Range(0, count).Select(i => i - 20f)]), y = Floats(count);
            var middle = new View(Own(Device, Device.Allocate(8L * count)), through, Layout.RowMajor(count));
            Device.Copy(x, middle);
            Device.Copy(middle, y);
            SameBits(y, x);
        }
    }

    [Theory]
    [InlineData(DType.F32, 1.5)]
    [InlineData(DType.F64, 0.1)]
    [InlineData(DType.I32, 7.0)]
    public void Fill_takes_any_strides(DType type, double value)
    {
        var layout = new Layout((3, 5, 70), new Shape(1000, 150, 2), 4);
        var y = new View(Own(Device, Device.Allocate(8 * 4000)), type, layout);
        Edit<byte>(y, all => all.Fill(0xFF));
        Device.Fill(y, value);
        var wanted = new HashSet<long>();
        for (long i = 0; i < y.Count; i++) wanted.Add(layout.Place(i));
        double[] numbers = Numbers(y);
        byte[] bytes = All<byte>(y);
        for (int place = 0; place < 4000; place++)
            if (wanted.Contains(place)) Assert.Equal(type == DType.F32 ? (float)value : value, numbers[place]);
            else Assert.Equal(0xFF, bytes[place * type.Size()]);
    }
}
