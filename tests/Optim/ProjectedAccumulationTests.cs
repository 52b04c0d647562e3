namespace Mayfly.Tests;

/// <summary>Micro-batches whose gradients are added up where the rule reads them.</summary>
public sealed class ProjectedAccumulationTests : IDisposable
{
    private const int Rows = 24, Columns = 40, Parts = 4;
    private static readonly GaLore rule = new() { Rank = 3, Refresh = 3, Scale = 1 };
    private readonly Device device = Device.CreateCpu(threads: 1);

    public void Dispose() => device.Dispose();

    /// <summary>Sums of float32 projections in another order: each of 6 steps is off by less than 1e-5 of its size, 0.05.</summary>
    [Theory, InlineData(Rows, Columns), InlineData(Columns, Rows)]
    public void It_is_the_sum_of_whole_gradients_projected(int rows, int columns)
    {
        var given = Fixed(Math.Min(rows, columns));
        float[] whole = Train(rows, columns, given, AccumulationMode.Whole, UpdateMode.Eager);
        float[] projected = Train(rows, columns, given, AccumulationMode.Projected, UpdateMode.Eager);
        for (int i = 0; i < whole.Length; i++) Assert.Equal(whole[i], projected[i], 6 * 0.05 * 1e-5);
        Assert.NotEqual(whole, projected); // it went another way
    }

    [Fact]
    public void Eager_and_deferred_steps_are_the_same() => Assert.Equal(
        Train(Rows, Columns, rule, AccumulationMode.Projected, UpdateMode.Eager),
        Train(Rows, Columns, rule, AccumulationMode.Projected, UpdateMode.Deferred));

    [Fact]
    public void No_gradient_lives_between_micro_batches()
    {
        using var w = Weight(Rows, Columns);
        using var updater = new Updater([w], Route.Default(rule), new UpdaterOptions { Accumulation = AccumulationMode.Projected });
        const long projection = 4 * 3 * Columns, gradient = 4 * Rows * Columns;
        var report = updater.Step(Parts, k =>
        {
            Assert.Equal(k == 0 ? 0 : projection, device.Arena.Report.Live(Use.Gradient));
            return Loss(w, k);
        });
        Assert.Equal(gradient + projection, device.Arena.Report.Peak(Use.Gradient));
        Assert.Equal(0, device.Arena.Report.Live(Use.Gradient));
        Assert.Equal(double.NaN, report.GradientNorm);
        Assert.Contains("keeps 480 bytes of gradients, some projected", new Updater([w], Route.Default(rule), new UpdaterOptions
        {
            Accumulation = AccumulationMode.Projected, Accumulate = 2,
        }).Summary());
    }

    /// <summary>A step that fails after its first micro-batch found a projection is made again as if it had never begun.</summary>
    [Fact]
    public void An_abandoned_step_leaves_nothing_behind()
    {
        float[] straight = Train(Rows, Columns, rule, AccumulationMode.Projected, UpdateMode.Eager);
        float[] torn = Train(Rows, Columns, rule, AccumulationMode.Projected, UpdateMode.Eager, failsAt: 4);
        Assert.Equal(straight, torn);
    }

    [Fact]
    public void A_first_gradient_of_zeros_has_no_projection_and_adds_nothing()
    {
        using Parameter a = Weight(Rows, Columns), b = Weight(Rows, Columns);
        using Updater late = New(a), early = New(b);
        late.Step(2, k => Loss(a, 0) * k);
        early.Step(2, k => Loss(b, 0) * (1 - k));
        Assert.Equal(a.Value.ToArray(), b.Value.ToArray());

        static Updater New(Parameter p) => new([p], Route.Default(rule), new UpdaterOptions { Accumulation = AccumulationMode.Projected });
    }

    [Fact]
    public void A_limit_of_a_norm_is_refused()
    {
        using var w = Weight(Rows, Columns);
        var options = new UpdaterOptions { Accumulation = AccumulationMode.Projected, MaxNorm = 1 };
        Assert.Contains("no whole gradient whose norm", Assert.Throws<ArgumentException>(() =>
            new Updater([w], Route.Default(rule, UpdateMode.Deferred), options)).Message);
    }

    private static GaLore Fixed(int side) => rule with
    {
        Refresh = 0, Projections = t => t > 1 ? null : [.. Enumerable.Range(0, 3 * side).Select(i => i % side == i / side ? 1.0 : 0.1)],
    };

    private float[] Train(int rows, int columns, Rule rule, AccumulationMode accumulation, UpdateMode mode, int failsAt = -1)
    {
        using var w = Weight(rows, columns);
        var options = new UpdaterOptions { Schedule = 0.05, Accumulation = accumulation };
        using var updater = new Updater([w], Route.Default(rule, mode), options);
        for (int step = 1; step <= 6; step++)
        {
            if (step == failsAt)
                Assert.Throws<TimeoutException>(() => updater.Step(Parts, k => k < 2 ? Loss(w, 9) : throw new TimeoutException()));
            updater.Step(Parts, k => Loss(w, k));
        }

        return w.Value.ToArray();
    }

    private Parameter Weight(int rows, int columns)
    {
        using var start = Tensor.Normal((rows, columns), 0, 1, new RandomKey(1, 1), device);
        return new Parameter("w", start, Role.Hidden);
    }

    private Tensor Loss(Parameter w, int part)
    {
        var x = Tensor.Normal((5, w.Shape[1]), 0, 1, new RandomKey(2, (ulong)part), device);
        return x.Linear(w.Value).Tanh().Sum() / 10;
    }
}
