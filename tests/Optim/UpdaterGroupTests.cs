namespace Mayfly.Tests;

/// <summary>Several updaters on one sweep.</summary>
public class UpdaterGroupTests
{
    /// <summary>Two updaters step as one whose route tells their parameters apart, to the bit.</summary>
    [Theory]
    [InlineData(UpdateMode.Eager, 1)]
    [InlineData(UpdateMode.Eager, 3)]
    [InlineData(UpdateMode.Deferred, 1)]
    [InlineData(UpdateMode.Deferred, 3)]
    public void Two_are_one_that_routes(UpdateMode mode, int accumulate)
    {
        var options = new UpdaterOptions { Schedule = 0.01, Accumulate = accumulate };
        Rule adam = new AdamW(), sgd = new Sgd { Momentum = 0.9 };
        using var device = Device.CreateCpu(threads: 1);
        using Gpt one = Model(device), two = Model(device);
        using var together = new Updater(
            one.Parameters(), new Route().Add("blocks.0.*", adam, mode).Otherwise(sgd, mode, 0.5), options);
        var parts = two.Parameters().ToLookup(p => p.Name.StartsWith("blocks.0.", StringComparison.Ordinal));
        using Updater block = new([.. parts[true]], new Route().Otherwise(adam, mode), options),
            others = new([.. parts[false]], new Route().Otherwise(sgd, mode, 0.5), options);
        var group = new UpdaterGroup(block, others);
        var ids = Tensor.From<int>([1, 2, 3, 4], (1, 4), device);
        for (int step = 0; step < 4; step++)
        {
            var expected = together.Step(() => one.Loss(ids, ids));
            var reports = group.Step(() => two.Loss(ids, ids));
            Assert.All(reports, report => Assert.Equal((expected.Step, expected.Loss), (report.Step, report.Loss)));
            double norm = Math.Sqrt(reports.Sum(report => report.GradientNorm * report.GradientNorm));
            Assert.Equal(expected.GradientNorm, norm, 1e-9);
        }

        foreach (var (left, right) in one.Parameters().Zip(two.Parameters())) Assert.Equal(left.Value.ToArray(), right.Value.ToArray());
        ids.Dispose();
    }

    /// <summary>Each has its own schedule and clipping, and may step alone in between.</summary>
    [Fact]
    public void Each_has_settings_of_its_own()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using Parameter a = UpdaterTests.Make(device, "a", (2, 2)), b = UpdaterTests.Make(device, "b", (2, 2));
        using Updater first = Of(a, new UpdaterOptions { Schedule = 1 }),
            second = Of(b, new UpdaterOptions { Schedule = 2, MaxNorm = 0.5 });
        var group = new UpdaterGroup(first, second);
        float[] a0 = a.Value.ToArray(), b0 = b.Value.ToArray();
        var reports = group.Step(() => (a.Value + b.Value).Sum());
        Assert.Equal([(1d, false), (2d, true)], reports.Select(r => (r.LearningRate, r.Clipped)));
        Assert.All(a0.Zip(a.Value.ToArray()), x => Assert.Equal(x.First - 1, x.Second, 1e-6f)); // of gradient 1
        Assert.All(b0.Zip(b.Value.ToArray()), x => Assert.Equal(x.First - 0.5, x.Second, 1e-5f)); // 2 0.5 / |1| of four ones
        b.Trainable = false;
        Assert.Equal(2, first.Step(() => (a.Value * b.Value).Sum()).Step);
        Assert.Equal(1, second.GlobalStep);
    }

    [Fact]
    public void A_failed_step_leaves_each_as_it_was_or_torn()
    {
        using var device = Device.CreateCpu(threads: 1);
        using var scope = device.Scope("test");
        using Parameter a = UpdaterTests.Make(device, "a", (2, 2)), b = UpdaterTests.Make(device, "b", (2, 2)),
            other = UpdaterTests.Make(device, "c", (2, 2));
        using Updater first = Of(a), second = Of(b);
        var group = new UpdaterGroup(first, second);
        Assert.Throws<NonFiniteException>(() => group.Step(() => (a.Value + b.Value).Sum() / 0f));
        Assert.Equal((0, 0, false, false), (first.GlobalStep, second.GlobalStep, first.Torn, second.Torn));
        var e = Assert.Throws<InvalidOperationException>(() => group.Step(() => (a.Value * other.Value).Sum()));
        Assert.Contains("c (2, 2)", e.Message);
        Assert.False(first.InStep || second.InStep);
        group.Step(() => (a.Value * b.Value).Sum());
        Assert.Equal((1, 1), (first.GlobalStep, second.GlobalStep));
    }

    [Fact]
    public void Wrong_groups_are_named()
    {
        using var device = Device.CreateCpu(threads: 1);
        using Parameter a = UpdaterTests.Make(device, "a", (2, 2)), b = UpdaterTests.Make(device, "b", (2, 2));
        using Updater first = Of(a), again = Of(a), many = Of(b, new UpdaterOptions { Accumulate = 2 });
        Assert.Throws<ArgumentException>(() => new UpdaterGroup());
        Assert.Contains("two updaters have a", Assert.Throws<ArgumentException>(() => new UpdaterGroup(first, again)).Message);
        Assert.Contains("2 micro-batches", Assert.Throws<ArgumentException>(() => new UpdaterGroup(first, many)).Message);
    }

    private static Gpt Model(Device device) =>
        new(new GptConfig { VocabularySize = 9, Context = 4, Layers = 2, Heads = 2, Width = 8 }, device);

    private static Updater Of(Parameter parameter, UpdaterOptions? options = null) =>
        new([parameter], RuleTable.Everywhere(new Sgd(), UpdateMode.Deferred), options ?? new UpdaterOptions { Schedule = 0.1 });
}
