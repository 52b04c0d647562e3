using System.Text.Json;

namespace Mayfly.Tests;

/// <summary>
/// Types that are storage only: how numbers are rounded to them, and that every kernel that takes them gives what it gives for the same
/// numbers as floats.
/// </summary>
public sealed unsafe class StoredTests : IDisposable
{
    private readonly Device device = Device.CreateCpu(threads: 2);
    private readonly Scope scope;

    public StoredTests() => scope = device.Scope("test");

    public static TheoryData<DType> Types => [DType.BF16, DType.F16, DType.Int8];

    public static TheoryData<int, int, int, bool, bool> Products => new()
    {
        { 1, 1, 1, false, false }, { 7, 5, 3, true, false }, { 2, 71, 300, false, true }, { 33, 70, 129, false, true },
        { 65, 300, 400, true, true }, { 150, 33, 770, true, false }, { 5, 1030, 20, false, false },
    };

    public void Dispose()
    {
        scope.Dispose();
        device.Dispose();
    }

    [Fact]
    public void A_brain_float_is_the_nearest_of_its_neighbours_and_ties_are_even()
    {
        float[] numbers = [.. Awkward(), .. Values(1 << 14, 1).Select(x => x * 1e3f), .. Values(1 << 14, 2).Select(x => x * 1e-39f)];
        var rounded = new ushort[numbers.Length];
        fixed (float* from = numbers)
        fixed (ushort* to = rounded) BrainFloats.Store(from, numbers.Length, to);
        for (int i = 0; i < numbers.Length; i++)
        {
            Assert.Equal(BrainFloats.Round(numbers[i]), rounded[i]);
            Assert.Equal(Nearest(numbers[i]), BrainFloats.Widen(rounded[i]));
        }
    }

    [Fact]
    public void A_drawn_brain_float_is_a_neighbour_and_right_on_average()
    {
        const int draws = 1 << 14;
        float* from = stackalloc float[draws], units = stackalloc float[draws];
        var to = new ushort[draws];
        Philox.Units(new RandomKey(3, 4), 0, units, draws / 4);
        foreach (float x in Values(40, 5).Append(1.00390625f).Append(-3f))
        {
            new Span<float>(from, draws).Fill(x);
            fixed (ushort* codes = to) BrainFloats.Store(from, units, draws, codes);
            float low = BrainFloats.Widen((ushort)(BitConverter.SingleToUInt32Bits(x) >> 16));
            float high = low == x ? x : BrainFloats.Widen((ushort)((BitConverter.SingleToUInt32Bits(x) >> 16) + 1));
            Assert.All(to, code => Assert.Contains(BrainFloats.Widen(code), new[] { low, high }));
            double share = (double)to.Count(code => BrainFloats.Widen(code) != low) / draws;
            double expected = low == x ? 0 : (x - (double)low) / ((double)high - low);
            Assert.InRange(share, expected - 4 / Math.Sqrt(draws), expected + 4 / Math.Sqrt(draws)); // 8 deviations of a fair coin
        }
    }

    [Fact]
    public void Groups_have_the_codes_of_the_golden_file()
    {
        int cases = 0;
        foreach (var golden in Golden().Where(g => g.GetProperty("scheme").GetString() == "symmetric-i8"))
        {
            cases++;
            float[] x = Floats(golden, "x_q", golden.GetProperty("q").GetDouble(), 0);
            bool drawn = golden.GetProperty("uniform_q").ValueKind == JsonValueKind.Array;
            float[]? units = drawn ? Floats(golden, "uniform_q", golden.GetProperty("uniform_den").GetDouble(), 0.5) : null;
            int size = golden.GetProperty("group_size").GetInt32();
            for (int group = 0; group < x.Length / size; group++)
            {
                byte[] block = Stored(x.AsSpan(group * size, size), units is null ? default : units.AsSpan(group * size, size));
                double scale = golden.GetProperty("scales")[group].GetDouble();
                Assert.InRange(BitConverter.ToSingle(block), scale * (1 - 1e-6), scale * (1 + 1e-6));
                var codes = golden.GetProperty("codes").EnumerateArray().Skip(group * size).Take(size).Select(c => c.GetInt32());
                Assert.Equal(codes, block.Skip(sizeof(float)).Select(b => (int)(sbyte)b));
                var expected = golden.GetProperty("dequantised").EnumerateArray().Skip(group * size).Take(size).Select(c => c.GetDouble());
                foreach (var (number, want) in Loaded(block, size).Zip(expected))
                    Assert.InRange(number, want - 1e-6 * Math.Abs(want), want + 1e-6 * Math.Abs(want));
            }
        }

        Assert.Equal(3, cases);
    }

    [Fact]
    public void A_group_with_a_number_that_is_not_finite_says_so()
    {
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            Assert.All(Loaded(Stored([1, bad, 3], default), 3), x => Assert.True(float.IsNaN(x)));
        Assert.All(Loaded(Stored([0, 0], [0.9f, 0.1f]), 2), x => Assert.Equal(0, x));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Elements_survive_copies_of_all_kinds(DType type)
    {
        var (stored, floats) = Pair(type, (67, 129), 1);
        Assert.Equal(floats.ToArray(), stored.ToArray());
        Assert.Equal(floats.Transpose().ToArray(), stored.Transpose().ToFloat().ToArray());
        Assert.Equal(floats.Slice(1, 3, 40).ToArray(), stored.Slice(1, 3, 40).ToArray());
        Assert.Equal(floats.Slice(0, 5, 8).Reshape((4, -1)).ToArray(), stored.Slice(0, 5, 8).Reshape((4, -1)).ToArray());
        var other = Tensor.Empty(device, (67, 129), type, Use.Activation, "test");
        device.Backend.Copy(stored.Read("test"), other.Write("test"));
        Assert.Equal(floats.ToArray(), other.ToArray());
        other.Fill(0.5);
        Assert.All(other.ToArray(), x => Assert.Equal(0.5f, x));
        Assert.Equal(floats.SumSquares(), stored.SumSquares());
        Assert.Equal(floats.Slice(1, 3, 40).SumSquares(), stored.Slice(1, 3, 40).SumSquares());
        Assert.Equal(floats.Slice(1, 3, 1).SumSquares(), stored.Slice(1, 3, 1).SumSquares());
        Assert.Equal(type.Bytes(67 * 129), stored.Bytes);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Element_wise_ops_read_them(DType type)
    {
        var (a, floatA) = Pair(type, (5, 300), 1);
        var (b, floatB) = Pair(type, 300, 2);
        Assert.Equal((floatA + floatB).ToArray(), (a + b).ToArray());
        Assert.Equal((floatA * floatB).ToArray(), (floatA * b).ToArray());
        Assert.Equal(floatA.Transpose().Sigmoid().ToArray(), a.Transpose().Sigmoid().ToArray());
        Assert.Equal((floatB.Slice(0, 7, 5).Reshape((5, 1)) - floatA).ToArray(), (b.Slice(0, 7, 5).Reshape((5, 1)) - a).ToArray());
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Rows_are_looked_up(DType type)
    {
        var (table, floats) = Pair(type, (40, 67), 1);
        var ids = Tensor.From<int>([3, 39, 0, 3], 4, device);
        Assert.Equal(floats.Embedding(ids).ToArray(), table.Embedding(ids).ToArray());
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void Products_are_those_of_floats(int m, int n, int k, bool turnedA, bool turnedB)
    {
        foreach (var type in Types.Select(row => row.Data))
        {
            var (a, floatA) = Pair(type, turnedA ? (k, m) : (m, k), 1);
            var (b, floatB) = Pair(type, turnedB ? (n, k) : (k, n), 2);
            Tensor Turned(Tensor x, bool turned) => turned ? x.Transpose() : x;
            var expected = Turned(floatA, turnedA).MatMul(Turned(floatB, turnedB)).ToArray();
            foreach (var (x, y) in new[] { (a, floatB), (floatA, b), (a, b) })
                Near(expected, Turned(x, turnedA).MatMul(Turned(y, turnedB)).ToArray(), 1e-5 * Math.Sqrt(k));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_product_into_them_is_rounded_once(DType type)
    {
        var (c, floatC) = Pair(type, (600, 70), 1);
        Tensor a = Uniform((600, 400), 2), b = Uniform((400, 70), 3);
        foreach (var y in new[] { c, floatC })
            device.Backend.Run(new Gemm<Identity>
            {
                A = a.Read("test"), B = b.Read("test"), C = y.Write("test"), Alpha = -0.5, Beta = 0.9,
            });
        Assert.Equal(Rounded(type, floatC).ToArray(), c.ToArray());
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Updates_and_rows_round_what_floats_give(DType type)
    {
        foreach (Shape shape in new Shape[] { (1, 1), (3, 67), (40, 129), (300, 256), (2, 5461) })
        {
            var (p, floatP) = Pair(type, shape, 1);
            var (s, floatS) = Pair(type == DType.Int8 ? DType.BF16 : type, shape, 2);
            var g = Uniform(shape, 3);
            floatP.Step(new SgdUpdate(0.1, 0.9, 0.5, 0.01, 0.02), g, floatS);
            p.Step(new SgdUpdate(0.1, 0.9, 0.5, 0.01, 0.02), g, s);
            Assert.Equal(Rounded(type, floatP).ToArray(), p.ToArray());
            Assert.Equal(Rounded(s.Type, floatS).ToArray(), s.ToArray());

            (floatP, Tensor gain) = (p.ToFloat(), Uniform(shape[1], 4));
            foreach (var y in new[] { p, floatP })
            {
                var view = y.Write("test");
                var args = new RowArgs { X = g.Read("test"), Dy = view, Y = view, Gain = gain.Read("test") };
                device.Backend.Row(new ChannelStep(0, 0.1, 0.02), args);
            }

            Assert.Equal(Rounded(type, floatP).ToArray(), p.ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Each_write_draws_its_own_numbers_from_the_key(DType type)
    {
        if (type == DType.F16) return; // rounds to nearest always
        var first = Drawn(type, new RandomKey(1, 2), 1);
        Assert.Equal(first, Drawn(type, new RandomKey(1, 2), 1));
        Assert.NotEqual(first, Drawn(type, new RandomKey(1, 3), 1));
        Assert.NotEqual(first, Drawn(type, new RandomKey(2, 2), 1));
        Assert.Equal(Drawn(type, new RandomKey(1, 3), 1), Drawn(type, new RandomKey(1, 2), 2));
    }

    [Fact]
    public void The_reference_draws_the_same()
    {
        using var reference = Device.CreateReference(DType.F32);
        using var inner = reference.Scope("test");
        float[][] results = [.. new[] { device, reference }.Select(on =>
        {
            var p = Tensor.Empty(on, 1031, DType.BF16, Use.Activation, "test");
            p.CopyFrom<float>(Values(1031, 1));
            p.Rounding = new RandomKey(5, 6);
            p.MapInPlace(new Affine(0.3, 0));
            return p.ToArray();
        })];
        Assert.Equal(results[1], results[0]);
    }

    [Fact]
    public void A_kernel_that_takes_floats_only_refuses_them()
    {
        var (x, _) = Pair(DType.BF16, (4, 6), 1);
        Assert.Contains("ToFloat()", Assert.Throws<ArgumentException>(() => x.Softmax()).Message);
        Assert.Contains("storage only", Assert.Throws<NotSupportedException>(() => x.Read("test").Floats() == null).Message);
        var total = Uniform((1, 6), 2);
        Assert.Throws<NotSupportedException>(() => device.Backend.Fold(new Total(1), x.Read("test"), total.Write("test"), false));
        var (groups, _) = Pair(DType.Int8, (4, 600), 1);
        Assert.Throws<NotSupportedException>(() => device.Backend.Fill(groups.Slice(1, 0, 300).Write("test"), 1));
    }

    private float[] Drawn(DType type, RandomKey key, int writes)
    {
        var p = Tensor.Empty(device, 2000, type, Use.Activation, "test");
        var values = Uniform(2000, 1);
        p.Rounding = key;
        for (int i = 0; i < writes; i++) device.Backend.Copy(values.Read("test"), p.Write("test"));
        return p.ToArray();
    }

    /// <summary>A tensor of a stored type and the same numbers as floats.</summary>
    private (Tensor Stored, Tensor Floats) Pair(DType type, Shape shape, int seed)
    {
        var stored = Rounded(type, Uniform(shape, seed));
        return (stored, stored.ToFloat());
    }

    private Tensor Rounded(DType type, Tensor floats)
    {
        var stored = Tensor.Empty(device, floats.Shape, type, Use.Activation, "test");
        device.Backend.Copy(floats.Read("test"), stored.Write("test"));
        return stored;
    }

    private Tensor Uniform(Shape shape, int seed) => Tensor.Uniform(shape, -1, 1, new RandomKey(9, (ulong)seed), device);

    private static float[] Values(int count, int seed)
    {
        var values = new float[count];
        Rng.FillUniform(values, -1, 1, new RandomKey(8, (ulong)seed));
        return values;
    }

    private static IEnumerable<float> Awkward() =>
    [
        0f, -0f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, 1f, 1.00390625f,
        1.01171875f, -1.00390625f, 3.3895314e38f, BitConverter.UInt32BitsToSingle(0x7F800001), BitConverter.UInt32BitsToSingle(0xFFFFFFFF),
    ];

    /// <summary>By the distances to the two neighbours, in double precision.</summary>
    private static float Nearest(float x)
    {
        if (!float.IsFinite(x)) return x;
        ushort below = (ushort)(BitConverter.SingleToUInt32Bits(x) >> 16);
        double low = BrainFloats.Widen(below), high = BrainFloats.Widen((ushort)(below + 1));
        if (double.IsInfinity(high)) high = Math.CopySign(Math.ScaleB(1, 128), x); // where the next number would be
        double down = Math.Abs(x - low), up = Math.Abs(high - x);
        bool takesLow = down < up || (down == up && below % 2 == 0);
        return takesLow ? (float)low : BrainFloats.Widen((ushort)(below + 1));
    }

    private static byte[] Stored(ReadOnlySpan<float> numbers, ReadOnlySpan<float> units)
    {
        var block = new byte[DType.Int8.Bytes(numbers.Length)];
        fixed (float* from = numbers, drawn = units)
        fixed (byte* to = block) ByteGroups.Store(from, drawn, to, 0, numbers.Length);
        return block;
    }

    private static float[] Loaded(byte[] block, int count)
    {
        var numbers = new float[count];
        fixed (byte* from = block)
        fixed (float* to = numbers) ByteGroups.Load(from, 0, count, to);
        return numbers;
    }

    private static IEnumerable<JsonElement> Golden() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", "int8-rounding-open.json"))).RootElement
            .GetProperty("cases").EnumerateArray();

    private static float[] Floats(JsonElement golden, string name, double divisor, double shift) =>
        [.. golden.GetProperty(name).EnumerateArray().Select(x => (float)((x.GetDouble() + shift) / divisor))];

    private static void Near(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Assert.InRange(actual[i], expected[i] - tolerance, expected[i] + tolerance);
    }
}
