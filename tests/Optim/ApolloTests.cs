namespace Mayfly.Tests;

/// <summary>What the traces do not show: scales, the trap of a zero gradient, sides, projections, messages.</summary>
public class ApolloTests
{
    /// <summary>
    /// The update's root mean square relative to AdamW's: alpha makes up for rows of variance 1 / rank, and unit rows need none; both
    /// together make steps too large.
    /// </summary>
    [Theory]
    [InlineData(64, 256, 1, 0.12, 0.97, 1.02, 8.1)]
    [InlineData(64, 256, 4, 0.32, 1.28, 1.34, 5.4)]
    [InlineData(64, 256, 16, 0.51, 1.02, 1.05, 2.1)]
    [InlineData(128, 128, 1, 0.09, 1.02, 1.09, 12.3)]
    [InlineData(128, 128, 16, 0.37, 1.03, 1.07, 3.0)]
    public void Unit_rows_and_alpha_compensate_twice(int rows, int rest, int rank, double plain, double auto, double unit, double both)
    {
        double adam = UpdateSize(new AdamW { WeightDecay = 0 }, rows, rest);
        var options = new Apollo
        {
            Rank = rank, Scope = rank == 1 ? ApolloScope.Tensor : ApolloScope.Channel, Limiter = null, WeightDecay = 0,
        };
        void Near(double expected, Apollo form)
        {
            double found = UpdateSize(form, rows, rest) / adam;
            Assert.True(
                found > expected / 1.35 && found < expected * 1.35,
                $"{form.Projection}, alpha {form.Alpha}: {found:G3} of AdamW's, expected {expected}");
        }

        Near(plain, options with { Alpha = 1 });
        Near(auto, options);
        Near(unit, options with { Alpha = 1, Projection = ApolloProjection.UnitRows });
        Near(both, options with { Projection = ApolloProjection.UnitRows });
    }

    /// <summary>The rule is free of the gradient's scale, also where the squares of its projection are beyond single precision.</summary>
    [Theory]
    [InlineData(ApolloScope.Channel, 9, 12)]
    [InlineData(ApolloScope.Channel, 12, 9)]
    [InlineData(ApolloScope.Tensor, 9, 12)]
    public void Huge_gradients_step_as_large_ones_do(ApolloScope scope, int rows, int rest)
    {
        using var device = Device.CreateCpu(threads: 1);
        double[] Step(double size)
        {
            using var _ = device.Scope("test");
            var g = Tensor.Uniform((rows, rest), -1, 1, new RandomKey(3, 1), device).Scale(size);
            using var weight = new Parameter("w", Tensor.Zeros((rows, rest), device), Role.Hidden);
            var rule = new Apollo { Scope = scope, Rank = 4 };
            using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager), new UpdaterOptions { Schedule = 1 });
            updater.Step(() => (weight.Value * g).Sum());
            return weight.Value.ToArray<double>();
        }

        double[] right = Step(1e10);
        Assert.All(right, w => Assert.NotEqual(0, w));
        foreach (double size in (double[])[1e14, 1e15, 1e16, 1e19, 1e25, 1e35])
            Closeness.OfScale(right.Max(Math.Abs), 1e-5, Step(size), right, $"gradients of {size}");
    }

    public static TheoryData<string, Func<Rule>> Free => new()
    {
        { "apollo", () => new Apollo() },
        { "svd", () => new Apollo { Projection = ApolloProjection.Svd } },
        { "mini", () => Apollo.Mini },
        { "julia", () => Apollo.Julia },
        { "cap", () => new Chain(new NormGrowthCap(), new Sgd()) },
    };

    [Theory]
    [MemberData(nameof(Free))]
    public void A_zero_gradient_leaves_no_rule_stuck(string name, Func<Rule> rule)
    {
        foreach (int zeroAt in new[] { 1, 2, 6 })
        {
            var moved = Moves(rule(), zeroAt, steps: zeroAt + 3);
            double usual = Moves(rule(), 0, zeroAt + 3)[zeroAt];
            Assert.True(moved[zeroAt] > 0.2 * usual, $"{name}: {moved[zeroAt]:E2} after a zero at step {zeroAt}");
        }
    }

    /// <summary>The presets keep what the published code does.</summary>
    [Fact]
    public void The_published_limiters_are_stuck_after_a_zero_gradient()
    {
        Assert.True(Moves(Apollo.Official with { Rank = 2 }, 6, 9)[6] < 1e-6);
        Assert.Equal(0, Moves(Apollo.PythonPort with { Rank = 2 }, 6, 9)[8]);
    }

    [Theory]
    [InlineData(7, 3, 2)]
    [InlineData(3, 7, 1)]
    [InlineData(17, 33, 5)]
    [InlineData(1, 4, 1)]
    [InlineData(16, 16, 16)]
    public void The_left_side_is_the_right_side_transposed(int rows, int rest, int rank)
    {
        using var device = Device.CreateReference();
        foreach (var scope in Enum.GetValues<ApolloScope>())
        {
            var options = new Apollo { Rank = rank, Scope = scope, Side = ApolloSide.Left, Fit = ApolloFit.AllMatrices };
            var left = Run(device, options, rows, rest, transposed: false);
            var right = Run(device, options with { Side = ApolloSide.Right }, rest, rows, transposed: true);
            for (int i = 0; i < left.Length; i++) Assert.Equal(left[i], right[i % rest * rows + i / rest], 1e-12);
        }
    }

    /// <summary>A restored state keeps its projections under another seed and in another order of the parameters.</summary>
    [Fact]
    public void A_restored_parameter_keeps_its_projections_wherever_it_is_listed()
    {
        using var device = Device.CreateCpu(threads: 1);
        float[] Train(bool turned)
        {
            using var scope = device.Scope("test");
            using Parameter a = new("a", Tensor.Zeros((9, 5), device), Role.Hidden);
            using Parameter b = new("b", Tensor.Zeros((5, 9), device), Role.Hidden);
            using var updater = new Updater([a, b], Route.Default(new Apollo { Refresh = 2 }), new UpdaterOptions { Seed = 5 });
            using var other = new Updater([b, a], Route.Default(new Apollo { Refresh = 2 }), new UpdaterOptions { Seed = 6 });
            for (int i = 1; i <= 3; i++) Step(updater);
            foreach (var (from, to) in new[] { (updater.States[0], other.States[1]), (updater.States[1], other.States[0]) })
            {
                foreach (var (name, value) in from.Tensors) to.Tensor(name).CopyFrom<float>(value.ToArray());
                foreach (var (name, value) in from.Numbers) to.Number(name) = value;
            }

            other.GlobalStep = updater.GlobalStep;
            for (int i = 0; i < 3; i++) Step(turned ? other : updater);
            return [.. a.Value.ToArray(), .. b.Value.ToArray()];

            void Step(Updater u) => u.Step(() => Slope(a, u.GlobalStep) + Slope(b, u.GlobalStep));
        }

        Tensor Slope(Parameter p, long step) =>
            (p.Value * Tensor.Normal(p.Shape, 0, 1, new RandomKey((ulong)step, (ulong)p.Shape[0]), device)).Sum();
        Assert.Equal(Train(false), Train(true));
    }

    /// <summary>Moments, tails and independence of what is drawn, at sizes that hit the polynomial of the tail as well.</summary>
    [Fact]
    public void Projections_are_normal()
    {
        using var device = Device.CreateCpu(threads: 1);
        double[] Drawn(int index, ApolloProjection kind)
        {
            using var scope = device.Scope("test");
            using Parameter first = new("a", Tensor.Zeros((1, 1), device), Role.Bias);
            using Parameter second = new("b", Tensor.Zeros((4096, 64), device), Role.Hidden);
            var rule = new Apollo { Rank = 16, StoreProjection = true, Side = ApolloSide.Left, Projection = kind };
            using var updater = new Updater(index == 0 ? [second, first] : [first, second], RuleTable.Everywhere(rule, UpdateMode.Eager));
            Step(updater, second, 1, 1);
            return updater.States[index].Tensor("projection").ToArray<double>();
        }

        double[] x = Drawn(0, ApolloProjection.Gaussian), y = Drawn(1, ApolloProjection.Gaussian);
        double[] unit = Drawn(0, ApolloProjection.UnitRows);
        double Mean(Func<double, double> f) => x.Average(e => f(4 * e));
        Assert.Equal(0, Mean(e => e), 0.02);
        Assert.Equal(1, Mean(e => e * e), 0.02);
        Assert.Equal(0, Mean(e => e * e * e), 0.05);
        Assert.Equal(3, Mean(e => e * e * e * e), 0.1);
        Assert.Equal(0.0027, Mean(e => Math.Abs(e) > 3 ? 1 : 0), 0.0008);
        Assert.Equal(0, x.Zip(y, (a, b) => 16 * a * b).Average(), 0.02);
        foreach (var row in unit.Chunk(4096)) Assert.Equal(1, row.Sum(e => e * e), 1e-5);
    }

    /// <summary>Of a gradient of rank 1 the first vector takes all, and the rows are orthonormal.</summary>
    [Theory]
    [InlineData(5, 9)]
    [InlineData(9, 5)]
    [InlineData(6, 6)]
    public void Singular_vectors_hold_the_gradient(int rows, int rest)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var weight = Weight(device, (rows, rest));
        double[] u = [.. Enumerable.Range(0, rows).Select(i => Math.Cos(1 + i))];
        double[] v = [.. Enumerable.Range(0, rest).Select(i => Math.Sin(1 + i))];
        double[] outer = [.. u.SelectMany(a => v.Select(b => a * b))], small = rows < rest ? u : v;
        var g = Tensor.From<double>(outer, (rows, rest), device);
        var rule = new Apollo { Projection = ApolloProjection.Svd, Rank = 2 };
        using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager));
        updater.Step(() => (weight.Value * g).Sum());
        double[][] p = [.. updater.States[0].Tensor("projection").ToArray<double>().Chunk(small.Length)];
        double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
        Assert.Equal(Math.Sqrt(Dot(small, small)), Math.Abs(Dot(p[0], small)), 1e-5);
        Assert.Equal(0, Dot(p[0], p[1]), 1e-5);
        Assert.Equal(1, Dot(p[1], p[1]), 1e-5);
        var left = new Apollo { Projection = ApolloProjection.Svd, Side = rows < rest ? ApolloSide.Right : ApolloSide.Left, Rank = 2 };
        using var other = new RuleState(device);
        using var adam = new RuleState(device);
        (rule with { Rank = 256 }).For(weight).Rule.Init(weight, adam);
        Assert.Equal(2L * rows * rest * sizeof(float), adam.Bytes);
        Assert.Contains("singular vectors", Fails<ArgumentException>(() => left.Init(weight, other)));
    }

    /// <summary>erf of the quantile over the root of two gives back the uniform number.</summary>
    [Fact]
    public void The_normal_quantile_inverts_erf()
    {
        for (double u = -0.99999994; u < 1; u += u < -0.9999 || u > 0.9999 ? 1e-6 : 1e-3)
        {
            double found = new NormalQuantile(1).F(new D1(u)).Value / Math.Sqrt(2), tail = 1 - Math.Abs(u);
            Assert.Equal(tail, 1 - D1.Erf(new D1(Math.Abs(found))).Value, 1e-9 + 2e-5 * tail);
            Assert.Equal(Math.Sign(u), Math.Sign(found));
        }
    }

    [Fact]
    public void A_projection_drawn_again_is_the_one_kept()
    {
        using var device = Device.CreateCpu(threads: 1);
        foreach (var projection in Enum.GetValues<ApolloProjection>())
        {
            var options = new Apollo { Rank = 2, Refresh = 3, Projection = projection };
            Assert.Equal(Run(device, options, 5, 7, false), Run(device, options with { StoreProjection = true }, 5, 7, false));
            Assert.NotEqual(Run(device, options, 5, 7, false), Run(device, options with { Refresh = 0 }, 5, 7, false));
        }
    }

    [Fact]
    public void A_resumed_run_keeps_its_projections_under_another_seed()
    {
        using var device = Device.CreateCpu(threads: 1);
        float[] Go(ulong second, ulong first = 1)
        {
            using var scope = device.Scope("test");
            using var weight = Weight(device, (6, 8));
            using var a = new Updater([weight], RuleTable.Everywhere(new Apollo(), UpdateMode.Eager), new UpdaterOptions { Seed = first });
            using var b = new Updater([weight], RuleTable.Everywhere(new Apollo(), UpdateMode.Eager), new UpdaterOptions { Seed = second });
            for (int t = 1; t < 4; t++) Step(a, weight, 1, t);
            foreach (var (source, target) in a.States[0].Tensors.Zip(b.States[0].Tensors))
                target.Value.CopyFrom<float>(source.Value.ToArray());
            foreach (var (name, value) in a.States[0].Numbers) b.States[0].Number(name) = value;
            Step(b, weight, 1, 4);
            return weight.Value.ToArray();
        }

        Assert.Equal(Go(1), Go(ulong.MaxValue));
        Assert.NotEqual(Go(1), Go(1, first: 2));
    }

    [Fact]
    public void Matrices_converge()
    {
        using var device = Device.CreateCpu(threads: 1);
        Apollo[] rules =
        [
            new Apollo(), Apollo.Mini, Apollo.Official with { Rank = 4, Alpha = 2 }, Apollo.Julia, Apollo.PythonPort with { Rank = 4 },
        ];
        foreach (var rule in rules)
        {
            using var scope = device.Scope("test");
            using var weight = Weight(device, (24, 16));
            var x = Tensor.Normal((32, 16), 0, 1, new RandomKey(3, 3), device);
            var y = x.MatMul(Tensor.Normal((16, 24), 0, 0.5, new RandomKey(3, 4), device));
            var options = new UpdaterOptions { Schedule = new WarmUpLinear(0.05, 0, 0, 200) };
            using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager), options);
            double first = 0, last = 0;
            for (int t = 0; t < 200; t++)
            {
                last = updater.Step(() => x.Linear(weight.Value).Mse(y)).Loss;
                if (t == 0) first = last;
            }

            Assert.True(last < 0.05 * first, $"{rule}: {first:G4} to {last:G4}");
        }
    }

    [Fact]
    public void The_default_projects_hidden_matrices_only()
    {
        using var device = Device.CreateCpu(threads: 1);
        using Parameter hidden = Weight(device, (8, 12)), table = Weight(device, (8, 12), Role.Embedding);
        using Parameter kernel = Weight(device, (8, 2, 3, 2)), small = Weight(device, (1, 9));
        long Elements(Parameter p)
        {
            using var state = new RuleState(device);
            new Apollo().For(p).Rule.Init(p, state);
            return state.Bytes / sizeof(float);
        }

        Assert.Equal([2 * 2 * 12, 2 * 96, 2 * 2 * 12, 2 * 9], new[] { hidden, table, kernel, small }.Select(Elements));
    }

    [Fact]
    public void Wrong_settings_and_numbers_are_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var weight = Weight(device, (6, 8));
        Assert.Contains("Apollo: beta2 is 1.5", Fails<ArgumentOutOfRangeException>(() => new Apollo { Beta2 = 1.5 }));
        Assert.Contains("gamma is 0.5", Fails<ArgumentOutOfRangeException>(() => new NormGrowthCap { Limit = new() { Gamma = 0.5 } }));
        using var state = new RuleState(device);
        Assert.Contains("rank 0 of w (6, 8)", Fails<ArgumentOutOfRangeException>(() => new Apollo { Rank = 0 }.Init(weight, state)));
        using var bad = Tensor.Full((6, 8), double.NaN, device);
        var cap = new NormGrowthCap();
        cap.Init(weight, state);
        var info = new StepInfo(1, 0.1, 1);
        Assert.Contains("the gradient of w (6, 8)", Fails<NonFiniteException>(() => cap.Apply(weight, bad, state, info)));
        new NormGrowthCap { ThrowOnNonFinite = false }.Apply(weight, bad, state, info);
        using var other = new RuleState(device);
        new Apollo().Init(weight, other);
        Assert.Contains("gradient of w (6, 8)", Fails<NonFiniteException>(() => new Apollo().Apply(weight, bad, other, info)));
        Assert.DoesNotContain(weight.Value.ToArray(), float.IsNaN);
        Assert.Equal(
            "Apollo(rank quarter, refresh 200, ratioEpsilon 1E-08, beta1 0.9, beta2 0.999, epsilon 1E-08, weightDecay 0)",
            new Apollo().WithoutDecay().ToString());
    }

    [Fact]
    public void Settings_change_through_a_chain()
    {
        using var device = Device.CreateCpu(threads: 1);
        using Parameter hidden = Weight(device, (8, 12)), table = Weight(device, (8, 12), Role.Embedding);
        var apollo = new Apollo();
        var chain = new Chain(new NormGrowthCap(), apollo);
        foreach (string key in new[] { "alpha", "beta1", "beta2", "epsilon", "weightDecay" })
            Assert.NotEqual($"{chain}", $"{chain.Adjusted(key, 0.5)}");
        Assert.Equal($"NormGrowthCap(limit.gamma 1.5) -> {apollo}", $"{chain.Adjusted("NormGrowthCap.gamma", 1.5)}");
        Assert.Equal("NormGrowthCap(limit.gamma 1.5)", $"{((Chain)chain.Adjusted("gamma", 1.5)!).Rules[0]}");
        Assert.Equal(1.5, ((Apollo)apollo.Adjusted("Apollo.gamma", 1.5)!).Limiter!.Gamma);
        Assert.Equal(1.5, ((Apollo)apollo.Adjusted("limiter.gamma", 1.5)!).Limiter!.Gamma);
        Assert.Null(apollo.Adjusted("momentum", 0.5));
        Assert.Equal(["Apollo", "AdamW"], new[] { hidden, table }.Select(p => apollo.For(p).Rule.Name));
        Assert.Equal("NormGrowthCap -> AdamW", chain.For(table).Rule.Name);
        Assert.Contains("(8, 12)", Fails<ArgumentException>(() => apollo.Init(table, new RuleState(device))));
    }

    private static string Fails<T>(Action action) where T : Exception => Assert.Throws<T>(action).Message;

    private static Parameter Weight(Device device, Shape shape, Role role = Role.Hidden)
    {
        using var value = Tensor.Uniform(shape, -0.5, 0.5, new RandomKey(4, 1), device);
        return new Parameter("w", value, role);
    }

    /// <summary>One step by a gradient drawn for it, times a factor.</summary>
    private static void Step(Updater updater, Parameter weight, double factor, int t, bool transposed = false)
    {
        using var scope = weight.Value.Device.Scope("step");
        long rows = weight.Shape[0], rest = weight.Shape[1];
        var g = Tensor.Normal(transposed ? (rest, rows) : (rows, rest), 0, factor, new RandomKey(7, (ulong)t), weight.Value.Device);
        updater.Begin();
        using (var tape = Tape.Record(weight.Value.Device))
            updater.Backward(tape, (weight.Value * (transposed ? g.Transpose(0, 1) : g)).Sum());
        updater.End();
    }

    private static double[] Run(Device device, Apollo options, int rows, int rest, bool transposed)
    {
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Zeros((rows, rest), device), Role.Hidden);
        var route = RuleTable.Everywhere(options, UpdateMode.Eager);
        using var updater = new Updater([weight], route, new UpdaterOptions { Schedule = 0.1, Seed = 5 });
        for (int t = 1; t <= 5; t++) Step(updater, weight, 1, t, transposed);
        return weight.Value.ToArray<double>();
    }

    /// <summary>The root mean square of 30 updates.</summary>
    private static double UpdateSize(Rule rule, int rows, int rest)
    {
        using var device = Device.CreateCpu(threads: 1);
        return Math.Sqrt(Moves(device, rule, (rows, rest), 0, 30).Sum(x => x * x) / 30);
    }

    /// <summary>The size of each update; the gradient is zero at one step.</summary>
    private static double[] Moves(Rule rule, int zeroAt, int steps)
    {
        using var device = Device.CreateReference();
        return Moves(device, rule, (6, 8), zeroAt, steps);
    }

    private static double[] Moves(Device device, Rule rule, Shape shape, int zeroAt, int steps)
    {
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Zeros(shape, device), Role.Hidden);
        using var updater = new Updater([weight], RuleTable.Everywhere(rule, UpdateMode.Eager), new UpdaterOptions { Schedule = 1 });
        var moves = new double[steps];
        var before = weight.Value.ToArray<double>();
        for (int t = 1; t <= steps; t++)
        {
            Step(updater, weight, t == zeroAt ? 0 : 1, t);
            var after = weight.Value.ToArray<double>();
            moves[t - 1] = Math.Sqrt(after.Zip(before, (a, b) => (a - b) * (a - b)).Average());
            before = after;
        }

        return moves;
    }
}
