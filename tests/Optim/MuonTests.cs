namespace Mayfly.Tests;

/// <summary>What Muon does beyond the published traces: scales, fused matrices, missing gradients, memory.</summary>
public class MuonTests
{
    private static readonly Muon plain = new() { Momentum = 0, WeightDecay = 0 };

    [Fact]
    public void Each_scale_is_its_formula()
    {
        var cases = new (MuonScale Scale, Shape Shape, double Factor)[]
        {
            (MuonScale.Original, (8, 2), 2), (MuonScale.Original, (2, 8), 1), (MuonScale.Original, (16, 2, 2), 2),
            (MuonScale.LastTwoAxes, (8, 2), 2), (MuonScale.LastTwoAxes, (16, 2, 2), 1), (MuonScale.LastTwoAxes, (1, 1, 9, 1), 3),
            (MuonScale.MatchRms, (4, 25), 1), (MuonScale.MatchRms, (25, 2, 2), 1), (MuonScale.None, (8, 2), 1),
            (MuonScale.Spectral, (2, 8), 0.5),
        };
        foreach (var (scale, shape, factor) in cases)
        {
            using var device = Device.CreateReference();
            var (moved, gradient) = Move(device, shape, plain with { Scale = scale });
            using var scope = device.Scope("test");
            var direction = new NewtonSchulz().Run(Tensor.From<double>(gradient, (shape[0], shape.Count / shape[0]), device))
                .ToArray<double>();
            for (int i = 0; i < moved.Length; i++) Assert.Equal(-factor * direction[i], moved[i], 1e-6);
        }
    }

    [Fact]
    public void A_momentum_that_overflows_is_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var weight = UpdaterTests.Make(device, "blocks.3.weight", (2, 3));
        using var updater = new Updater([weight], RuleTable.Everywhere(Muon.Moonlight, UpdateMode.Eager));
        var e = Assert.Throws<NonFiniteException>(() => updater.Step(() => weight.Value.Sum() * Tensor.Full(default(Shape), 3e38, device)));
        Assert.Contains("the momentum of blocks.3.weight", e.Message);
    }

    [Fact]
    public void A_fused_matrix_is_stepped_block_by_block()
    {
        using var device = Device.CreateCpu(threads: 1);
        var (declared, gradient) = Move(device, (12, 5), plain, [6, 3, 3]);
        var (equal, _) = Move(device, (12, 5), plain with { Split = 3 }, [6, 3, 3]);
        var (whole, _) = Move(device, (12, 5), plain with { Split = 1 }, [6, 3, 3]);
        Assert.Equal(Blocks(6, 3, 3), declared);
        Assert.Equal(Blocks(4, 4, 4), equal);
        Assert.Equal(Blocks(12), whole);

        double[] Blocks(params int[] rows)
        {
            int start = 0;
            return [.. rows.SelectMany(r =>
            {
                var part = gradient[(start * 5)..((start + r) * 5)];
                start += r;
                return Move(device, (r, 5), plain, slope: part).Moved;
            })];
        }
    }

    /// <summary>A fused matrix of four query heads, two of keys and two of values is eight blocks, not three.</summary>
    [Fact]
    public void Heads_are_stepped_one_by_one()
    {
        using var device = Device.CreateCpu(threads: 1);
        foreach (var rule in (OrthogonalMomentum[])[plain, new NorMuon { Momentum = 0, WeightDecay = 0 }])
        {
            double[] perHead = Heads(rule with { PerHead = true, Split = 1 }), blocks = Heads(rule with { Split = 8 });
            Assert.Equal(blocks, perHead);
            Assert.NotEqual(Heads(rule), perHead);
        }

        double[] Heads(OrthogonalMomentum rule) => Move(device, (16, 8), rule, [8, 4, 4], headRows: 2).Moved;
    }

    [Fact]
    public void Attention_declares_its_heads()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var attention = new Attention(new ParameterSource(device), 8, heads: 4, kvHeads: 2);
        using var cross = new CrossAttention(new ParameterSource(device), 8, heads: 2);
        Assert.Equal(
            ["qkv.weight 2", "query.weight 4", "key_value.weight 4"],
            attention.Parameters().Concat(cross.Parameters()).Where(p => p.HeadRows > 0).Select(p => $"{p.Name} {p.HeadRows}"));
        using var weight = UpdaterTests.Make(device, "w", (6, 4));
        Assert.Contains("heads of 4 rows", Assert.Throws<ArgumentException>(() => weight.HeadRows = 4).Message);
    }

    [Fact]
    public void Attention_declares_its_fused_matrix()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var attention = new Attention(new ParameterSource(device), 8, heads: 4, kvHeads: 2);
        Assert.Equal([8, 4, 4], attention.Parameters().Single(p => p.Name == "qkv.weight").RowBlocks);
    }

    [Fact]
    public void Wrong_blocks_are_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var weight = UpdaterTests.Make(device, "w", (6, 4));
        Assert.Contains("6, 1 rows", Assert.Throws<ArgumentException>(() => weight.RowBlocks = [6, 1]).Message);
        Assert.Throws<ArgumentException>(() => weight.RowBlocks = [7, -1]);
        var route = RuleTable.Everywhere(new Muon { Split = 4 }, UpdateMode.Eager);
        Assert.Contains("into 4 blocks", Assert.Throws<ArgumentException>(() => new Updater([weight], route)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new Muon { Momentum = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new Muon { Split = 0 });
    }

    /// <summary>
    /// The momentum goes on moving a matrix that the loss does not read, or it does not, as asked; both times as deferred as eager.
    /// </summary>
    [Theory]
    [InlineData(UpdateMode.Eager)]
    [InlineData(UpdateMode.Deferred)]
    public void A_missing_gradient_is_left_alone_or_zero(UpdateMode mode)
    {
        foreach (bool asZero in new[] { false, true })
        {
            using var device = Device.CreateCpu(threads: 1);
            using var scope = device.Scope("test");
            Parameter read = UpdaterTests.Make(device, "a", (3, 4)), now = UpdaterTests.Make(device, "b", (3, 4)),
                frozen = UpdaterTests.Make(device, "c", (3, 4));
            frozen.Trainable = false;
            var rule = new Chain(new ClipNorm(9), new Muon { MissingAsZero = asZero });
            using var updater = new Updater([read, now, frozen], RuleTable.Everywhere(rule, mode), new UpdaterOptions { Schedule = 0.1 });
            updater.Step(() => (read.Value * now.Value).Sum());
            var g = Tensor.Zeros((3, 4), device);
            float[] before = now.Value.ToArray(), still = frozen.Value.ToArray();
            var report = updater.Step(() => read.Value.Sum());
            Assert.Equal(["b"], report.WithoutGradient);
            Assert.Equal(asZero, !before.AsSpan().SequenceEqual(now.Value.ToArray()));
            Assert.Equal(still, frozen.Value.ToArray());
            if (asZero) Assert.Equal(Stepped(device, mode, rule), now.Value.ToArray());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_missing_gradient_is_zero_in_every_clipping_mode(int microBatches)
    {
        var expected = Clipped(ClipMode.Deferred, UpdateMode.Deferred);
        Assert.Equal(expected, Clipped(ClipMode.TwoPass, UpdateMode.Eager));
        Assert.NotEqual(expected, Clipped(ClipMode.PerTensor, UpdateMode.Eager));

        float[] Clipped(ClipMode clip, UpdateMode mode)
        {
            using var device = Device.CreateCpu(threads: 1);
            using var scope = device.Scope("test");
            Parameter a = UpdaterTests.Make(device, "a", (3, 4)), b = UpdaterTests.Make(device, "b", (3, 4));
            var options = new UpdaterOptions { Schedule = 0.1, MaxNorm = 0.01, ClipMode = clip };
            using var updater = new Updater([a, b], RuleTable.Everywhere(Muon.KellerJordan, mode), options);
            updater.Step(microBatches, k => (a.Value * b.Value).Sum());
            var afterFirst = b.Value.ToArray();
            updater.Step(microBatches, k => (a.Value * a.Value).Sum());
            Assert.NotEqual(afterFirst, b.Value.ToArray());
            return [.. a.Value.ToArray(), .. b.Value.ToArray()];
        }
    }

    [Theory]
    [InlineData(40, 24)]
    [InlineData(24, 40)]
    public void A_step_needs_one_more_matrix_and_two_small_squares(long rows, long columns)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var weight = UpdaterTests.Make(device, "w", (rows, columns));
        using var updater = new Updater([weight], RuleTable.Everywhere(new Muon(), UpdateMode.Eager));
        var g = Tensor.Normal(weight.Shape, 0, 1, new RandomKey(1, 1), device);
        device.Arena.ResetPeaks();
        updater.Step(() => (weight.Value * g).Sum());
        long small = Math.Min(rows, columns), needed = (rows * columns + 2 * small * small) * sizeof(float);
        Assert.InRange(device.Arena.Report.Peak(Use.Scratch), needed, needed + 1024);
    }

    /// <summary>
    /// A matrix problem, which the vectors of the common sets are not: the weights that rotate one set of points into another.
    /// </summary>
    [Fact]
    public void Finds_a_rotation()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Normal((16, 16), 0, 0.1, new RandomKey(1, 1), device), Role.Hidden);
        Tensor x = Tensor.Normal((64, 16), 0, 1, new RandomKey(1, 2), device),
            target = x.MatMul(Tensor.Normal((16, 16), 0, 0.25, new RandomKey(1, 3), device));
        using var updater = new Updater([weight], Route.For(new Muon()),
            new UpdaterOptions { Schedule = new WarmUpCosine(0.1, 0, 0, 200) });
        double first = 0, last = 0;
        for (int i = 0; i < 200; i++)
        {
            last = updater.Step(() => x.MatMul(weight.Value).Mse(target)).Loss;
            if (i == 0) first = last;
        }

        Assert.True(last < 1e-3 * first, $"{first} to {last}");
    }

    /// <summary>One step at learning rate 1 from zero weights.</summary>
    private static (double[] Moved, double[] Gradient) Move(
        Device device, Shape shape, OrthogonalMomentum rule, IReadOnlyList<long>? rowBlocks = null, double[]? slope = null,
        long headRows = 0)
    {
        using var scope = device.Scope("test");
        using var weight = new Parameter("w", Tensor.Zeros(shape, device), Role.Hidden)
        {
            RowBlocks = rowBlocks ?? [], HeadRows = headRows,
        };
        using var updater = new Updater([weight], RuleTable.Everywhere(rule with { Fallback = null }, UpdateMode.Eager),
            new UpdaterOptions { Schedule = 1 });
        var g = slope is null ? Tensor.Normal(shape, 0, 1, new RandomKey(1, 1), device) : Tensor.From<double>(slope, shape, device);
        updater.Step(() => (weight.Value * g).Sum());
        return (weight.Value.ToArray<double>(), g.ToArray<double>());
    }

    /// <summary>b of the test above, whose second gradient is zeros that the loss yields.</summary>
    private static float[] Stepped(Device device, UpdateMode mode, Rule rule)
    {
        using Parameter a = UpdaterTests.Make(device, "a", (3, 4)), b = UpdaterTests.Make(device, "b", (3, 4));
        using var updater = new Updater([a, b], RuleTable.Everywhere(rule, mode), new UpdaterOptions { Schedule = 0.1 });
        updater.Step(() => (a.Value * b.Value).Sum());
        updater.Step(() => (a.Value + b.Value * Tensor.Zeros(1, device)).Sum());
        return b.Value.ToArray();
    }
}
