namespace Mayfly.Tests;

public abstract unsafe partial class BackendTests
{
    /// <summary>Rows and columns.</summary>
    public static TheoryData<int, int> RowSizes => new()
    {
        { 0, 5 }, { 1, 1 }, { 3, 3 }, { 5, 16 }, { 2, 31 }, { 4, 64 }, { 3, 67 }, { 137, 29 }, { 2, 1021 },
    };

    [Theory]
    [MemberData(nameof(RowSizes))]
    public void Row_agrees_with_the_reference(int rows, int n)
    {
        rows = Math.Min(rows, LargestExtent);
        for (int flags = 0; flags < 32; flags += rows * n > 1000 ? 3 : 1)
        {
            View y = Random(3, (rows, n)), stats = Random(4, (rows, 2));
            var args = Operands(rows, n, flags) with { Y = y, Add = (flags & 8) != 0, Stats = (flags & 16) != 0 ? stats : default };
            var mirror = Mirrored(args);
            Device.Row(default(TestSoftmax), args);
            Reference.Row(default(TestSoftmax), mirror);
            Near(y, mirror.Y, 1e-5, 2e-6, $"flags {flags}");
            if ((flags & 16) != 0) Near(stats, mirror.Stats, 1e-5, 1e-5, $"flags {flags}, stats");
        }
    }

    [Theory]
    [MemberData(nameof(RowSizes))]
    public void Row_reads_saved_numbers(int rows, int n)
    {
        View stats = Random(4, (rows, 2)), y = Random(3, (rows, n));
        var args = Operands(rows, n, 0b111) with { Y = y, Stats = stats };
        var mirror = Mirrored(args);
        Device.Row(default(TestLayerNorm), args);
        Reference.Row(default(TestLayerNorm), mirror); // numbers of its own: it judges the device's, too
        var saved = Clone(stats);
        Device.Row(default(TestLayerNormBack), args with { LoadStats = true });
        Reference.Row(default(TestLayerNormBack), mirror with { LoadStats = true });
        SameBits(stats, saved);
        Near(y, mirror.Y, 1e-4, 1e-4);
    }

    [Fact]
    public void Row_may_overwrite_its_operands()
    {
        View y = Random(3, (5, 67)), stats = Random(4, (5, 2));
        var args = Operands(5, 67, 0b111) with { Y = y, Stats = stats };
        Device.Row(default(TestSoftmax), args);
        View x = Clone(args.X), dy = Clone(args.Dy);
        Device.Row(default(TestSoftmax), args with { X = x, Y = x });
        SameBits(x, y);
        Device.Row(default(TestSoftmax), args with { Dy = dy, Y = dy });
        SameBits(dy, y);
    }

    [Fact]
    public void Row_keeps_not_a_number_in_its_row()
    {
        for (int at = 0; at < 67; at += 3)
        {
            View x = Random(1, (3, 67)), y = Random(2, (3, 67)), gain = Random(3, 67), dy = Random(4, (3, 67));
            Edit<float>(x, all => all[67 + at] = float.NaN);
            Device.Row(default(TestSoftmax), new RowArgs { X = x, Y = y, Gain = gain, Dy = dy });
            for (int i = 0; i < 3 * 67; i++) Assert.Equal(i / 67 == 1, double.IsNaN(Values(y)[i]));
        }
    }

    [Theory]
    [MemberData(nameof(RowSizes))]
    public void Column_agrees_with_the_reference(int rows, int n)
    {
        for (int flags = 0; flags < 128; flags += rows * n > 1000 ? 11 : 1)
        {
            var args = Operands(rows, n, flags) with { Stats = Random(7, (rows, 2)) };
            View a = (flags & 8) != 0 ? Random(8, n) : default, b = (flags & 16) != 0 ? Random(9, n) : default;
            bool addA = (flags & 32) != 0, addB = (flags & 64) != 0;
            View expectedA = Mirror(a), expectedB = Mirror(b);
            Device.Column(default(TestLayerNormBack), args, a, addA, b, addB);
            Reference.Column(default(TestLayerNormBack), Mirrored(args), expectedA, addA, expectedB, addB);
            if (!a.IsAbsent) Near(a, expectedA, 1e-5, 1e-4, $"flags {flags}, a");
            if (!b.IsAbsent) Near(b, expectedB, 1e-5, 1e-4, $"flags {flags}, b");
        }
    }

    [Fact]
    public void Rows_and_columns_give_the_same_bits_for_any_threads() => SameBitsForAnyThreads(device =>
    {
        int rows = Math.Min(501, LargestExtent), n = Math.Min(603, LargestExtent);
        View x = Random(device, 1, (rows, n)), dy = Random(device, 2, (rows, n)), gain = Random(device, 3, n),
            y = Random(device, 4, (rows, n));
        View stats = Random(device, 5, (rows, 2)), a = Random(device, 6, n), b = Random(device, 7, n);
        var args = new RowArgs { X = x, Dy = dy, Gain = gain, Y = y, Stats = stats };
        device.Row(default(TestSoftmax), args);
        device.Column(default(TestLayerNormBack), args, a, false, b, true);
        return [y, stats, a, b];
    });

    /// <summary>Bit 0: dy, bit 1: gain, bit 2: bias.</summary>
    private RowArgs Operands(int rows, int n, int flags) => new()
    {
        X = Random(10, (rows, n), Spread.Dense, 3),
        Dy = (flags & 1) != 0 ? Random(11, (rows, n)) : default,
        Gain = (flags & 2) != 0 ? Random(12, n) : default,
        Bias = (flags & 4) != 0 ? Random(13, n) : default,
    };

    private RowArgs Mirrored(in RowArgs args) => args with
    {
        X = Mirror(args.X),
        Dy = Mirror(args.Dy),
        Gain = Mirror(args.Gain),
        Bias = Mirror(args.Bias),
        Y = Mirror(args.Y),
        Stats = Mirror(args.Stats),
    };
}
