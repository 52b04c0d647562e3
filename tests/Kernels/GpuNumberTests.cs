namespace Mayfly.Tests;

/// <summary>Numbers that a device has and the host does not wait for.</summary>
public sealed class GpuNumberTests : IDisposable
{
    private readonly GpuBackend gpu = TestDevice.NewBackend();

    public void Dispose() => gpu.Dispose();

    [Fact]
    public void A_number_is_waited_for_when_it_is_asked()
    {
        var sum = gpu.Compute(default(NumberSum), 2, 3) * 10;
        var next = gpu.Compute(default(NumberSum), sum, 0.5);
        Assert.Equal((false, 0L), (next.IsKnown, gpu.Meter.Waits));
        Assert.Equal((50.5, 1L), (next.Value, gpu.Meter.Waits));
        var values = new double[3];
        gpu.Read([next, 7, sum], values);
        Assert.Equal([50.5, 7, 50], values);
        Assert.Equal(2, gpu.Meter.Waits);
    }

    [Fact]
    public void Numbers_side_by_side_or_not_add_up()
    {
        Number[] numbers = [.. Enumerable.Range(1, 20).Select(i => gpu.Compute(default(NumberSum), i, 0))];
        Assert.Equal(210, gpu.Sum(numbers).Value);
        Assert.Equal(1 + 20 + 4, gpu.Sum([numbers[0], numbers[^1], 4]).Value);
        Assert.Equal(0, gpu.Sum([]).Value);
    }

    [Fact]
    public void A_kept_number_comes_and_goes()
    {
        using var kept = new KeptNumber(3);
        gpu.Compute(default(Counted), 1, 0, kept);
        gpu.Compute(default(Counted), 1, 0, kept);
        Assert.Equal(0, gpu.Meter.Waits);
        Assert.Equal(5, kept.Value);
        kept.Value = 10;
        Assert.Equal(11, gpu.Compute(default(Counted), 1, 0, kept).Value);
        Assert.Equal(11, kept.Value);
    }

    /// <summary>The first fault is told, once.</summary>
    [Fact]
    public void A_fault_is_found_later()
    {
        gpu.Compute(default(NumberSum), 1, 1, fault: "none");
        gpu.Compute(default(NumberSum), double.PositiveInfinity, 1, fault: "the first");
        gpu.Compute(default(NumberSum), double.NaN, 1, fault: "the second");
        Assert.Equal(["the first", null], [gpu.TakeFault(), gpu.TakeFault()]);
        gpu.Compute(default(NumberSum), double.NaN, 1);
        gpu.Compute(default(NumberSum), double.NaN, 1, fault: "the second");
        Assert.Equal("the second", gpu.TakeFault());
    }
}

/// <summary>Counts up by a.</summary>
public readonly struct Counted : IScalar<Counted>
{
    /// <summary>A kernel takes no empty argument.</summary>
    public readonly int Unused;

    public double Of(double a, double b, ref double kept) => kept += a;
}
