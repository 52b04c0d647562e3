namespace Mayfly.Tests;

/// <summary>
/// Between readings the host waits for nothing, whatever the rule and however norms are limited, and trains as on the CPU.
/// </summary>
public class GpuWaitTests
{
    private const int ReadEvery = 3;
    private static readonly GpuBackend backend = TestDevice.NewBackend();
    private static readonly Device gpu = new(backend);

    private static readonly (UpdateMode Mode, UpdaterOptions Options)[] modes =
    [
        (UpdateMode.Eager, new()),
        (UpdateMode.Eager, new() { MaxNorm = 0.5, ClipMode = ClipMode.PerTensor }),
        (UpdateMode.Eager, new() { MaxNorm = 0.5, ClipMode = ClipMode.PreviousNorm }),
        (UpdateMode.Eager, new() { MaxNorm = 0.5, ClipMode = ClipMode.TwoPass }),
        (UpdateMode.Deferred, new() { MaxNorm = 0.5, Growth = new() }),
        (UpdateMode.Deferred, new() { MaxNorm = 0.5 }),
    ];

    /// <summary>NorMuon reads the norms of an update's rows and of the update on the host.</summary>
    public static TheoryData<string> Names => new(Recipes.Names.Where(name => name != "normuon"));

    [Theory]
    [MemberData(nameof(Names))]
    public void No_step_between_readings_waits(string name)
    {
        foreach (var (mode, options) in modes) Check(Recipes.Get(name), mode, options);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_limit_of_one_parameter_waits(bool grows) =>
        Check(new Chain(grows ? new NormGrowthCap() : new ClipNorm(0.1), new AdamW()), UpdateMode.Eager, new());

    private static void Check(Rule rule, UpdateMode mode, UpdaterOptions options)
    {
        string what = $"{rule}, {mode}, {options.ClipMode}";
        using TinyModel model = new(gpu), twin = new(Device.Cpu);
        options = options with { Schedule = 1e-2, ReadEvery = ReadEvery };
        using Updater updater = new(model.Parameters, Route.For(rule, mode), options),
            other = new(twin.Parameters, Route.For(rule, mode), options);
        for (int step = 1; step <= 2 * ReadEvery; step++)
        {
            backend.Meter.Clear();
            var report = Step(updater, model, step);
            var expected = Step(other, twin, step);
            bool reads = step % ReadEvery == 0;
            if (step > 1) Assert.True(reads == backend.Meter.Waits > 0, $"{what}: {backend.Meter.Waits} waits in step {step}");
            if (!reads) continue;
            Assert.InRange(backend.Meter.Waits, 1, 5);
            Assert.Equal(1, report.Loss / expected.Loss, 1e-4);
            Assert.Equal(1, report.GradientNorm / expected.GradientNorm, 1e-3);
            Assert.Equal(expected.Clipped, report.Clipped);
        }
    }

    private static StepReport Step(Updater updater, TinyModel model, int step) => updater.Step(() => model.Loss(step, 4, 1));
}
