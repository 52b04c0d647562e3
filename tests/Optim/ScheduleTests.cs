namespace Mayfly.Tests;

public class ScheduleTests
{
    public static TheoryData<Schedule, long, double> Points => new()
    {
        { 0.25, 1, 0.25 },
        { 0.25, 1000, 0.25 },
        { new WarmUpCosine(0.01, 0, 4, 13), 1, 0.0025 },
        { new WarmUpCosine(0.01, 0, 4, 13), 4, 0.01 },
        { new WarmUpCosine(0.01, 0, 4, 13), 5, 0.009698463103929543 },
        { new WarmUpCosine(0.01, 0, 4, 13), 7, 0.0075 },
        { new WarmUpCosine(0.01, 0, 4, 13), 12, 0.00030153689607045843 },
        { new WarmUpCosine(0.01, 0.002, 4, 13), 13, 0.002 },
        { new WarmUpCosine(0.01, 0.002, 4, 13), 14, 0.002 },
        { new WarmUpCosine(1, 0, 0, 2), 1, 0.5 },
        { new WarmUpCosine(1, 0.1, 5, 5), 5, 1 },
        { new WarmUpCosine(1, 0.1, 5, 5), 6, 0.1 },
        { new WarmUpLinear(1, 0.2, 10, 50), 5, 0.5 },
        { new WarmUpLinear(1, 0.2, 10, 50), 10, 1 },
        { new WarmUpLinear(1, 0.2, 10, 50), 30, 0.6 },
        { new WarmUpLinear(1, 0.2, 10, 50), 50, 0.2 },
        { new WarmUpLinear(1, 0.2, 10, 50), 51, 0.2 },
        { new WarmUpStableDecay(1, 0.5, 2, 10, 30), 1, 0.5 },
        { new WarmUpStableDecay(1, 0.5, 2, 10, 30), 2, 1 },
        { new WarmUpStableDecay(1, 0.5, 2, 10, 30), 20, 1 },
        { new WarmUpStableDecay(1, 0.5, 2, 10, 30), 25, 0.75 },
        { new WarmUpStableDecay(1, 0.5, 2, 10, 30), 30, 0.5 },
        { new WarmUpStableDecay(1, 0.5, 2, 10, 30), 99, 0.5 },
        { new WarmUpStableDecay(1, 0, 4, 100, 8), 4, 1 },
        { new WarmUpStableDecay(1, 0, 4, 100, 8), 5, 0.75 },
        { new WarmUpStableDecay(1, 0, 4, 100, 8), 8, 0 },
        { new WarmUpCosine(1, 0.1, 0, 10), 0, 1 },
        { new WarmUpCosine(1, 0.1, 4, 10), 0, 0 },
        { Schedule.Of(step => 1.0 / step), 4, 0.25 },
        { new CosineRestarts(1, 0, 0, 10), 5, 0.5 },
        { new CosineRestarts(1, 0, 0, 10), 10, 1 },
        { new CosineRestarts(1, 0.5, 0, 10), 15, 0.75 },
        { new CosineRestarts(1, 0, 2, 10, 2), 1, 0.5 },
        { new CosineRestarts(1, 0, 2, 10, 2), 7, 0.5 },
        { new CosineRestarts(1, 0, 2, 10, 2), 12, 1 },
        { new CosineRestarts(1, 0, 2, 10, 2), 22, 0.5 },
        { new CosineRestarts(1, 0, 2, 10, 2), 32, 1 },
        { new OneCycle(1, 10, 30), 0, 0.04 },
        { new OneCycle(1, 10, 30), 5, 0.52 },
        { new OneCycle(1, 10, 30), 10, 1 },
        { new OneCycle(1, 10, 30), 20, 0.500002 },
        { new OneCycle(1, 10, 30), 30, 4e-6 },
    };

    [Theory]
    [MemberData(nameof(Points))]
    public void Passes_its_points(Schedule schedule, long step, double expected) => Assert.Equal(expected, schedule.At(step), 1e-12);

    /// <summary>Whatever step a plot, a resumed or an overlong run asks for.</summary>
    [Fact]
    public void Every_step_has_a_rate_from_zero_to_the_peak()
    {
        long[] sizes = [0, 1, 2, 10, 100];
        foreach (long warmUp in sizes)
            foreach (long total in sizes)
                foreach (var schedule in (Schedule[])[
                    new WarmUpCosine(1e-3, 1e-4, warmUp, total), new WarmUpLinear(1e-3, 1e-4, warmUp, total),
                    new CosineRestarts(1e-3, 1e-4, warmUp, total), new CosineRestarts(1e-3, 1e-4, warmUp, total, 1.5),
                    new OneCycle(1e-3, warmUp, total),
                    .. sizes.Select(decay => new WarmUpStableDecay(1e-3, 1e-4, warmUp, decay, total))])
                    foreach (long step in (long[])[-1, 0, 1, 2, 5, 9, 10, 11, 99, 100, 101, 1_000_000])
                        Assert.True(schedule.At(step) is >= 0 and <= 1e-3, $"{schedule}: step {step} has {schedule.At(step)}");
    }
}
