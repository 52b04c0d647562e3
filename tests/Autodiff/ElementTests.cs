namespace Mayfly.Tests;

/// <summary>Ops that look elements up, order them or take parts: against plain loops, and their messages.</summary>
public class ElementTests
{
    private static readonly Device[] Devices = [Device.CreateReference(), Device.CreateCpu(2), TestDevice.Open()];

    private static readonly TensorIndex[][] Places =
    [
        [1], [-1], [^1, 0], [(..), 2], [1..], [(..^1), ^2..], [(..), (..), ^2], [1, (..), ^2], [0..0], [1, 2, 3], [],
    ];

    [Fact]
    public void An_indexer_takes_the_elements_that_its_places_name()
    {
        foreach (var device in Devices)
            foreach (var places in Places) Takes(device, places);
    }

    [Theory]
    [InlineData(4, "Index: 4 is outside axis 0 of shape (3, 4), which has 3 elements.")]
    [InlineData(-4, "Index: ^4 is outside axis 0 of shape (3, 4), which has 3 elements.")]
    public void A_place_outside_is_named(int place, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => Tensor.Zeros((3, 4))[place]).Message);

    [Fact]
    public void Ranges_and_ranks_are_checked()
    {
        var x = Tensor.Zeros((3, 4));
        Assert.Equal("Index: 2..^2 is outside axis 0 of shape (3, 4), which has 3 elements.",
            Assert.Throws<ArgumentException>(() => x[2..^2]).Message);
        Assert.Equal("Index: 3 places in a tensor (3, 4).", Assert.Throws<ArgumentException>(() => x[0, 0, 0]).Message);
    }

    [Theory]
    [InlineData(1, 1, 1), InlineData(5, 33, 7), InlineData(3, 64, 64), InlineData(2, 700, 1), InlineData(4, 3, 0)]
    public void Rows_are_ordered_as_by_a_stable_sort(int rows, int n, int k)
    {
        foreach (var device in Devices)
        {
            using var scope = device.Scope("order");
            var values = new float[rows * n];
            Rng.FillUniform(values, -4, 4, new RandomKey(1, (ulong)n));
            for (int i = 0; i < values.Length; i++) values[i] = i % 7 == 3 ? float.NaN : i % 5 == 0 ? -0f : MathF.Round(values[i]);
            var x = Tensor.From<float>(values, (rows, n), device);
            var (top, places) = x.TopK(k);
            var (sorted, from) = x.Sort();
            for (int row = 0; row < rows; row++)
            {
                var own = values.AsSpan(row * n, n).ToArray();
                int[] up = [.. Enumerable.Range(0, n).OrderBy(i => float.IsNaN(own[i]) ? float.PositiveInfinity : own[i])];
                int[] down = [.. Enumerable.Range(0, n).OrderByDescending(i => float.IsNaN(own[i]) ? float.PositiveInfinity : own[i])];
                Assert.Equal(up, from[row].ToArray<int>());
                Assert.Equal(up.Select(i => own[i]), sorted[row].ToArray());
                Assert.Equal(down.Take(k), places[row].ToArray<int>());
                Assert.Equal(down.Take(k).Select(i => own[i]), top[row].ToArray());
                Assert.Equal(down[0], x.ArgMax()[row].ToArray<int>()[0]);
                Assert.Equal(up[0], x.ArgMin()[row].ToArray<int>()[0]);
            }
        }
    }

    [Fact]
    public void A_gradient_goes_to_the_chosen()
    {
        using var device = Device.CreateReference();
        using var tape = Tape.Record(device);
        var x = Tensor.From<float>([3, 1, 2, 5, 4, 6], (2, 3), device);
        tape.Watch(x);
        var (top, _) = x.TopK(2);
        tape.Backward((top * Tensor.From<float>([1, 2, 3, 4], (2, 2), device)).Sum());
        Assert.Equal([1, 0, 2, 4, 0, 3], tape.GradientOf(x)!.ToArray());
    }

    [Fact]
    public void One_hot_is_one_at_each_id()
    {
        var hot = Tensor.From<int>([2, 0], 2).OneHot(3);
        Assert.Equal([0, 0, 1, 1, 0, 0], hot.ToArray());
        Assert.Contains("OneHot: id 3", Assert.Throws<ArgumentOutOfRangeException>(() => Tensor.From<int>([3], 1).OneHot(3)).Message);
    }

    [Fact]
    public void Parts_of_a_split_go_back_to_their_places()
    {
        using var device = Device.CreateReference();
        using var tape = Tape.Record(device);
        var x = Tensor.From<float>([1, 2, 3, 4, 5, 6], (2, 3), device);
        tape.Watch(x);
        var parts = x.Split(-1, 1, 2);
        Assert.Equal([1, 4], parts[0].ToArray());
        Assert.Equal([2, 3, 5, 6], parts[1].ToArray());
        tape.Backward(parts[0].Sum() + (parts[1] * 3).Sum());
        Assert.Equal([1, 3, 3, 1, 3, 3], tape.GradientOf(x)!.ToArray());
        Assert.Equal("Split: parts of 2 elements together, but axis -1 of shape (2, 3) has 3.",
            Assert.Throws<ArgumentException>(() => x.Split(-1, 1, 1)).Message);
    }

    [Fact]
    public void A_tensor_goes_to_another_device_and_back()
    {
        foreach (var device in Devices)
        {
            var x = Tensor.From<float>([1.5f, -2], 2).To(device);
            Assert.Equal((device, device.Float), (x.Device, x.Type));
            Assert.Equal([1.5f, -2], x.To(Device.Cpu).ToArray());
            Assert.Equal([7], Tensor.From<int>([7], 1).To(device).ToArray<int>());
        }

        using var tape = Tape.Record(Device.Cpu);
        var watched = Tensor.From(1f);
        tape.Watch(watched);
        Assert.Contains("gradients do not cross", Assert.Throws<ArgumentException>(() => watched.Exp().To(Devices[0])).Message);
    }

    [Theory]
    [InlineData("ij,jk", "names 2 operands, and 1 were given")]
    [InlineData("ij", "names 2 axes 'ij' of a tensor (2, 3, 2)")]
    [InlineData("iji->i", "names an axis of 'iji' twice")]
    [InlineData("i..->i", "an ellipsis is not taken")]
    [InlineData("ijk->l", "has 'l' in the result, but in no operand")]
    [InlineData("ijk->ii", "has a letter twice in the result")]
    public void An_equation_that_does_not_fit_is_explained(string equation, string problem)
    {
        string message = Assert.Throws<ArgumentException>(() => Tensor.Einsum(equation, Tensor.Zeros((2, 3, 2)))).Message;
        Assert.StartsWith($"Einsum: '{equation}' ", message);
        Assert.Contains(problem, message);
    }

    [Fact]
    public void Einstein_sums_are_those_of_plain_loops()
    {
        var random = new Random(3);
        for (int round = 0; round < 60; round++)
        {
            string[] terms = [Letters(random), Letters(random)];
            string output = string.Concat(string.Concat(terms).Distinct().Where(_ => random.Next(2) == 0).OrderBy(_ => random.Next()));
            Compare($"{terms[0]},{terms[1]}->{output}", terms, output, (ulong)round);
        }
    }

    /// <summary>Whole numbers against plain loops, broadcast and from a transposed view; what does not fit wraps around.</summary>
    [Fact]
    public void Whole_numbers_are_added_multiplied_and_compared()
    {
        int[] left = [.. Enumerable.Range(0, 300).Select(i => i * 7919 % 23 - 11)], right = [3, -2, int.MaxValue];
        foreach (var device in Devices)
        {
            using var scope = device.Scope("integers");
            Tensor a = Tensor.From<int>(left, (3, 100), device).Transpose(0, 1), b = Tensor.From<int>(right, 3, device); // (100, 3)
            Check((x, y) => x + y, (x, y) => unchecked(x + y));
            Check((x, y) => x - y, (x, y) => unchecked(x - y));
            Check((x, y) => x * y, (x, y) => unchecked(x * y));
            Check((x, y) => x < y, (x, y) => x < y ? 1 : 0);
            Check((x, y) => x >= y, (x, y) => x >= y ? 1 : 0);
            Check((x, y) => x.EqualTo(y), (x, y) => x == y ? 1 : 0);
            Assert.Equal(left.Select(x => 5 - 2 * x), (5 - Tensor.From<int>(left, 300, device) * 2).ToArray<int>());
            Assert.Equal(left.Select(x => -x + 1), (-Tensor.From<int>(left, 300, device) + 1).ToArray<int>());
            Assert.Equal(left.Select(x => (float)x), Tensor.From<int>(left, 300, device).ToFloat().ToArray());
            Assert.Contains("whole number", Assert.Throws<ArgumentException>(() => b + 0.5).Message);
            Assert.Contains("of I32", Assert.Throws<ArgumentException>(() => b + Tensor.Ones(3, device)).Message);

            void Check(Func<Tensor, Tensor, Tensor> op, Func<int, int, int> loop)
            {
                var y = op(a, b);
                int[] found = y.Type == DType.I32 ? y.ToArray<int>() : [.. y.ToArray().Select(x => (int)x)];
                Assert.Equal(Enumerable.Range(0, 300).Select(i => loop(left[i % 3 * 100 + i / 3], right[i % 3])), found);
            }
        }
    }

    [Fact]
    public void Numbers_compare_with_tensors()
    {
        foreach (var device in Devices)
        {
            using var scope = device.Scope("compare");
            var x = Tensor.From<float>([0.25f, 0.5f, 0.75f, float.NaN], 4, device);
            Assert.Equal([0, 0, 1, 0], (x > 0.5f).ToArray());
            Assert.Equal([0, 1, 1, 0], (x >= 0.5f).ToArray());
            Assert.Equal([1, 0, 0, 0], (x < 0.5f).ToArray());
            Assert.Equal([1, 1, 0, 0], (x <= 0.5f).ToArray());
            Assert.Equal([0, 1, 0, 0], x.EqualTo(0.5f).ToArray());
            Assert.Equal([0, 1, 1], (Tensor.From<int>([1, 2, 3], 3, device) > 1).ToArray());
        }
    }

    private static string Letters(Random random) => string.Concat("abcd".OrderBy(_ => random.Next()).Take(random.Next(1, 4)));

    private static void Compare(string equation, string[] terms, string output, ulong seed)
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("einsum");
        Tensor[] x = [.. terms.Select((t, k) =>
            Tensor.Uniform(new Shape([.. t.Select(Size)]), -1, 1, new RandomKey(seed, (ulong)k), device))];
        var found = Tensor.Einsum(equation, x);
        var expected = new double[output.Aggregate(1L, (n, c) => n * Size(c))];
        string all = string.Concat(string.Concat(terms).Distinct());
        double[] a = x[0].ToArray<double>(), b = x[1].ToArray<double>();
        for (long i = 0; i < all.Aggregate(1L, (n, c) => n * Size(c)); i++)
            expected[Place(all, i, output)] += a[Place(all, i, terms[0])] * b[Place(all, i, terms[1])];
        OpResult.Near(expected, found.ToArray<double>(), 1, 1e-12, equation);
    }

    private static long Size(char letter) => letter - 'a' + 1;

    /// <summary>Where the element is in a tensor of some letters, given its number among all combinations of all letters.</summary>
    private static long Place(string all, long number, string letters)
    {
        var values = new Dictionary<char, long>();
        foreach (char c in all.Reverse())
        {
            values[c] = number % Size(c);
            number /= Size(c);
        }

        return letters.Aggregate(0L, (place, c) => place * Size(c) + values[c]);
    }

    private static void Takes(Device device, TensorIndex[] places)
    {
        using var tape = Tape.Record(device);
        var x = Tensor.From<float>(Enumerable.Range(0, 60).Select(i => (float)i).ToArray(), (3, 4, 5), device);
        tape.Watch(x);
        var part = x[places];
        Assert.Equal(Enumerable.Range(0, 60).Where(i => Names(places, i)).Select(i => (float)i), part.ToArray());
        Assert.Equal(3 - places.Count(p => p.IsOne), part.Rank);
        tape.Backward((part * 2).Sum());
        Assert.Equal(Enumerable.Range(0, 60).Select(i => Names(places, i) ? 2f : 0f), tape.GradientOf(x)!.ToArray());
    }

    private static bool Names(TensorIndex[] places, int element)
    {
        int[] at = [element / 20, element / 5 % 4, element % 5], sizes = [3, 4, 5];
        return !places.Where((place, axis) => !Takes(place, at[axis], sizes[axis])).Any();
    }

    /// <summary>By the text of the place, as a reader would take it.</summary>
    private static bool Takes(TensorIndex place, int at, int size)
    {
        string[] ends = place.ToString().Split("..");
        int start = Parse(ends[0], size);
        return ends.Length == 1 ? at == start : at >= start && at < Parse(ends[1], size);
    }

    private static int Parse(string text, int size) =>
        text.StartsWith('^') ? size - int.Parse(text[1..], null) : int.Parse(text, null);
}
