namespace Mayfly.Tests;

/// <summary>GaLore against the authors' trace, with its projections, and what the decomposition must do.</summary>
public class GaLoreTests
{
    private static readonly GaLore rankTwo = new() { Rank = 2, Refresh = 5, WeightDecay = 0 };

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void Follows_the_trace(string name)
    {
        using var device = name == "cpu" ? Device.CreateCpu(threads: 1) : Device.CreateReference();
        var (absolute, relative) = name == "cpu" ? (2e-6, 1e-5) : (1e-9, 1e-7);
        foreach (var trace in GoldenTests.Load("galore-adamw-open").GetProperty("traces").EnumerateArray())
        {
            var problem = GoldenTests.problems.GetProperty(trace.GetProperty("problem").GetString()!);
            var steps = trace.GetProperty("steps");
            double[]? Recorded(long t) => steps[(int)t - 1].TryGetProperty("proj", out var projection)
                ? GoldenTests.Numbers(projection.GetProperty("data"))
                : null;
            var rule = GaLore.Official with { Rank = 2, Refresh = 5, Projections = Recorded };
            using var scope = device.Scope("golden");
            using var weight = new Parameter("w", GoldenTests.Values(device, problem, problem.GetProperty("init_q")), Role.Hidden);
            using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager), new UpdaterOptions { Schedule = 0.01 });
            for (int t = 1; t <= 12; t++)
            {
                var gradient = GoldenTests.Values(device, problem, problem.GetProperty("grads_q")[t - 1]);
                updater.Step(() => (weight.Value * gradient).Sum());
                var expected = GoldenTests.Numbers(steps[t - 1].GetProperty("params"));
                GoldenTests.Near(expected, weight.Value.ToArray<double>(), absolute, relative, $"step {t}");
            }
        }
    }

    /// <summary>The recorded vectors are PyTorch's of the same gradients; signs are arbitrary.</summary>
    [Fact]
    public void The_decomposition_finds_the_recorded_vectors()
    {
        foreach (var trace in GoldenTests.Load("galore-adamw-open").GetProperty("traces").EnumerateArray())
        {
            var problem = GoldenTests.problems.GetProperty(trace.GetProperty("problem").GetString()!);
            int rows = problem.GetProperty("shape")[0].GetInt32(), columns = problem.GetProperty("shape")[1].GetInt32();
            foreach (int t in new[] { 1, 6, 11 })
            {
                var recorded = GoldenTests.Numbers(trace.GetProperty("steps")[t - 1].GetProperty("proj").GetProperty("data"));
                float[] values = [.. GoldenTests.Numbers(problem.GetProperty("grads_q")[t - 1]).Select(x => (float)x)];
                var found = SingularVectors.OfSmallerSide(values, rows, columns, 2)!;
                for (int k = 0; k < 2; k++)
                {
                    double cosine = Enumerable.Range(6 * k, 6).Sum(i => found[i] * recorded[i]);
                    Assert.InRange(Math.Abs(cosine), 1 - 1e-5, 1 + 1e-5);
                }
            }
        }
    }

    [Theory]
    [InlineData(1e-30f)]
    [InlineData(1e30f)]
    public void Vectors_of_tiny_and_huge_matrices_are_of_unit_length(float size)
    {
        float[] values = [.. Enumerable.Range(0, 15).Select(i => size * (i * 7 % 11 - 5))];
        var found = SingularVectors.OfSmallerSide(values, 3, 5, 3)!;
        for (int k = 0; k < 3; k++) Assert.Equal(1, found.AsSpan(3 * k, 3).ToArray().Sum(x => (double)x * x), 1e-5);
        Assert.Null(SingularVectors.OfSmallerSide(new float[15], 3, 5, 3));
    }

    /// <summary>
    /// A larger side is not decomposed whole: the vectors hold as much of the matrix as the exact ones, are orthonormal, and where the
    /// spectrum has a gap they span the same space; the same bits on any number of threads.
    /// </summary>
    [Theory]
    [InlineData(150, 220, 1.0)]
    [InlineData(220, 150, 1.0)]
    [InlineData(150, 220, 0.01)]
    [InlineData(160, 160, 0.0)]
    public void Iterated_vectors_hold_as_much_as_exact_ones(int rows, int columns, double noise)
    {
        const int count = 12;
        using Device one = Device.CreateCpu(threads: 1), three = Device.CreateCpu(threads: 3);
        double[][] Found(Device device)
        {
            using var scope = device.Scope("test");
            var x = Matrix(device);
            int side = Math.Min(rows, columns);
            return [.. SingularVectors.OfSmallerSide(x, x.Shape, count)!.Select(v => (double)v).Chunk(side)];
        }

        Tensor Matrix(Device device)
        {
            Tensor Normal(Shape shape, ulong stream) => Tensor.Normal(shape, 0, 1, new RandomKey(4, stream), device);
            return Normal((rows, 8), 1).MatMul(Normal((8, columns), 2)).Scale(1e20f) + Normal((rows, columns), 3)
                .Scale((float)(noise * 1e20));
        }

        double[][] found = Found(one);
        Assert.Equal(found, Found(three));
        using var scope = one.Scope("test");
        float[] values = Matrix(one).ToArray();
        double[][] exact = [.. SingularVectors.OfSmallerSide([.. values], rows, columns, count)!.Select(v => (double)v)
            .Chunk(found[0].Length)];
        double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
        for (int i = 0; i < count; i++)
            for (int j = 0; j <= i; j++) Assert.Equal(i == j ? 1 : 0, Dot(found[i], found[j]), 1e-5);
        double Held(double[][] vectors) =>
            vectors.Sum(v => Enumerable.Range(0, rows >= columns ? rows : columns).Sum(k => Math.Pow(Dot(v, Line(k)), 2)));
        double[] Line(int k) => [.. Enumerable.Range(0, found[0].Length).Select(i =>
            (double)(rows >= columns ? values[k * columns + i] : values[i * columns + k]) * 1e-20)];
        Assert.InRange(Held(found) / Held(exact), 1 - 1e-3, 1 + 1e-5);
        if (noise < 1)
            for (int k = 0; k < 8; k++) Assert.InRange(Math.Abs(exact.Take(8).Sum(e => Math.Pow(Dot(found[k], e), 2))), 1 - 1e-5, 1 + 1e-5);
    }

    public static TheoryData<string, int, int, int> HardMatrices
    {
        get
        {
            var data = new TheoryData<string, int, int, int>();
            foreach (string kind in (string[])[
                "equal rows", "pairs of rows", "rank one", "constant", "one element", "zero columns", "steep"])
            {
                data.Add(kind, 5, 7, 4);
                data.Add(kind, 40, 12, 12);
                data.Add(kind, 64, 64, 20);
                data.Add(kind, 150, 170, 12); // iterated
                data.Add(kind, 140, 150, 80); // whole, though large
            }

            return data;
        }
    }

    /// <summary>The vectors of equal or vanishing singular values are anybody's choice, but of length 1 and at right angles.</summary>
    [Theory]
    [MemberData(nameof(HardMatrices))]
    public void The_basis_is_orthonormal_for_any_matrix(string kind, int rows, int columns, int count)
    {
        var random = new Random(5);
        float[] normal = [.. Enumerable.Range(0, rows * columns).Select(_ => 2 * random.NextSingle() - 1)];
        float Element(int i, int j) => kind switch
        {
            "equal rows" => normal[j],
            "pairs of rows" => normal[i / 2 * columns + j],
            "rank one" => normal[i] * normal[columns + j],
            "constant" => 0.5f,
            "one element" => i + j == 0 ? 1 : 0,
            "zero columns" => j % 3 == 0 ? 0 : normal[i * columns + j],
            _ => normal[i * columns + j] * MathF.Pow(10, -30f * i / rows),
        };
        using var device = Device.CreateCpu(threads: 2);
        using var scope = device.Scope("test");
        float[] values = [.. Enumerable.Range(0, rows * columns).Select(k => Element(k / columns, k % columns))];
        var x = Tensor.From<float>(values, (rows, columns), device);
        double[][] vectors = [.. SingularVectors.OfSmallerSide(x, x.Shape, count)!.Select(v => (double)v).Chunk(Math.Min(rows, columns))];
        for (int i = 0; i < count; i++)
            for (int j = 0; j <= i; j++)
                Assert.Equal(i == j ? 1 : 0, vectors[i].Zip(vectors[j], (a, b) => a * b).Sum(), 1e-6);
    }

    /// <summary>Rows that depend on those before them, are zero or no numbers give way to others.</summary>
    [Fact]
    public void Rows_that_are_not_independent_are_replaced()
    {
        double[] rows = [3, 4, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, double.NaN, 1, 0, 0];
        double[][] found = [.. Orthonormal.Rows(rows, 4, 4).Select(x => (double)x).Chunk(4)];
        Closeness.OfScale(1, 1e-6, found[0], [0.6, 0.8, 0, 0], "the first row");
        for (int i = 0; i < 4; i++)
            for (int j = 0; j <= i; j++) Assert.Equal(i == j ? 1 : 0, found[i].Zip(found[j], (a, b) => a * b).Sum(), 1e-6);
    }

    /// <summary>The authors' code steps all other parameters by Hugging Face's AdamW.</summary>
    [Fact]
    public void The_official_fallback_is_hugging_faces_AdamW()
    {
        using var device = Device.CreateReference();
        using var scope = device.Scope("test");
        foreach (var rule in new Rule[] { GaLore.Official with { WeightDecay = 0.1 }, AdamW.HuggingFace with { WeightDecay = 0.1 } })
        {
            using var weight = new Parameter("w", Tensor.Full(3, 0.5, device), Role.Gain);
            using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager), new UpdaterOptions { Schedule = 0.01 });
            double p = 0.5, m = 0, v = 0;
            for (int t = 1; t <= 3; t++)
            {
                double g = 1e-5 * t;
                updater.Step(() => weight.Value.Sum() * Tensor.Full(default(Shape), g, device));
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                p -= 0.01 * Math.Sqrt(1 - Math.Pow(0.999, t)) / (1 - Math.Pow(0.9, t)) * m / (Math.Sqrt(v) + 1e-6);
                p *= 1 - 0.01 * 0.1;
                Assert.Equal(p, weight.Value.ToArray<double>()[0], 1e-7);
            }
        }
    }

    /// <summary>The gradient of a rank-one target stays within the rank of two at first; refreshes follow it.</summary>
    [Theory]
    [InlineData(6, 4)]
    [InlineData(4, 6)]
    [InlineData(5, 5)]
    public void Solves_a_problem_of_low_rank(int rows, int columns)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var u = Tensor.Uniform((rows, 1), -1, 1, new RandomKey(3, 1), device);
        var target = u * Tensor.Uniform((1, columns), -1, 1, new RandomKey(3, 2), device);
        using var weight = new Parameter("w", Tensor.Zeros((rows, columns), device), Role.Hidden);
        using var updater = new Updater([weight], RuleTable.Everywhere(rankTwo, UpdateMode.Eager), new UpdaterOptions { Schedule = 0.04 });
        double first = updater.Step(() => weight.Value.Mse(target)).Loss, last = first;
        for (int i = 0; i < 200; i++) last = updater.Step(() => weight.Value.Mse(target)).Loss;
        Assert.True(last < 0.01 * first, $"{last} after {first}");
    }

    [Fact]
    public void A_refresh_waits_for_a_gradient_that_is_not_zero()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        var slope = Tensor.Uniform((4, 6), -1, 1, new RandomKey(3, 1), device);
        using var weight = new Parameter("w", Tensor.Zeros((4, 6), device), Role.Hidden);
        using var updater = new Updater([weight], RuleTable.Everywhere(rankTwo, UpdateMode.Eager), new UpdaterOptions { Schedule = 0.01 });
        void Step(float size) => updater.Step(() => (weight.Value * slope.Scale(size)).Sum());
        Step(0);
        Assert.All(weight.Value.ToArray(), w => Assert.Equal(0, w));
        Step(1);
        double before = weight.Value.SumSquares();
        Assert.True(before > 0);
        for (int i = 0; i < 3; i++) Step(0);
        var kept = updater.States[0].Tensor("projection").ToArray();
        Step(0); // step 6 is a refresh
        Assert.Equal(kept, updater.States[0].Tensor("projection").ToArray());
        Assert.Equal(1, updater.States[0].Number("refreshDue"));
        Step(1);
        Assert.Equal(0, updater.States[0].Number("refreshDue"));
    }

    [Fact]
    public void Only_hidden_matrices_larger_than_the_rank_are_projected()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        long StateCount(Shape shape, Role role)
        {
            using var weight = new Parameter("w", Tensor.Zeros(shape, device), role);
            using var updater = new Updater([weight], RuleTable.Everywhere(rankTwo, UpdateMode.Eager));
            return updater.StateBytes / sizeof(float);
        }

        Assert.Equal(2 * (2 * 12 + 3), StateCount((3, 2, 2, 3), Role.Hidden));
        Assert.Equal(2 * 36, StateCount((3, 2, 2, 3), Role.Embedding));
        Assert.Equal(2 * 14, StateCount((2, 7), Role.Hidden));
        Assert.Equal(2 * 7, StateCount(7, Role.Hidden));
    }

    [Fact]
    public void The_rank_is_not_adjusted()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var weight = UpdaterTests.Make(device, "w", (4, 6));
        using var updater = new Updater([weight], RuleTable.Everywhere(rankTwo, UpdateMode.Eager));
        Assert.Contains("another state", Assert.Throws<ArgumentException>(() => updater.Adjust("rank", 3)).Message);
        Assert.Equal(1, updater.Adjust("refresh", 7));
    }
}
