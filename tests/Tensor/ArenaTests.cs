using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>The arena's books, to the byte.</summary>
public sealed class ArenaTests : IDisposable
{
    private readonly Device device = Device.CreateReference();

    public void Dispose() => device.Dispose();

    [Fact]
    public void Bytes_are_counted_by_use()
    {
        using var w = new Parameter("w", Tensor.Ones(5, device).Keep(), Role.Gain);
        Assert.Equal((40, 40), (Report.Live(Use.Weight), Report.Live(Use.Activation)));
        using var tape = Tape.Record(device);
        var loss = (w.Value * w.Value).Sum();
        Assert.Equal((40, 40 + 40 + 8), (Report.Live(Use.Weight), Report.Live(Use.Activation)));
        tape.Backward(loss, (Parameter _, ref Gradient g) => Assert.Equal(40, Report.Live(Use.Gradient)));
        Assert.Equal((0, 40), (Report.Live(Use.Gradient), Report.Peak(Use.Gradient)));
        Assert.Equal(Report.LiveBytes, Enum.GetValues<Use>().Sum(Report.Live));
    }

    [Fact]
    public void Peaks_start_again_from_what_is_live()
    {
        using var small = Tensor.Ones(2, device);
        Tensor.Ones(100, device).Dispose();
        Assert.Equal(816, Report.PeakBytes);
        device.Arena.ResetPeaks();
        Assert.Equal((16, 16, 16), (Report.PeakBytes, Report.Peak(Use.Activation), Report.LiveBytes));
    }

    [Fact]
    public void A_freed_block_is_used_again()
    {
        Tensor.Ones(100, device).Dispose();
        long reserved = Report.ReservedBytes;
        for (int i = 0; i < 4; i++) Tensor.Ones(100 - i, device).Dispose();
        Assert.Equal(reserved, Report.ReservedBytes);
        using var first = Tensor.Ones(100, device);
        using var second = Tensor.Ones(100, device);
        Assert.Equal(2 * reserved, Report.ReservedBytes);
    }

    [Fact]
    public void Trim_gives_unused_blocks_back()
    {
        using var kept = Tensor.Ones(100, device);
        Tensor.Ones(50, device).Dispose();
        device.Arena.Trim();
        Assert.Equal(Arena.ClassOf(800), Report.ReservedBytes);
        Assert.Equal(800, Report.LiveBytes);
    }

    [Fact]
    public void A_class_wastes_at_most_an_eighth() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), bytes =>
        {
            long size = Arena.ClassOf(bytes);
            Assert.True(size >= bytes && size % 64 == 0, $"{bytes} bytes in a block of {size}");
            Assert.True(bytes <= 512 ? size - bytes < 64 || bytes == 0
                : (size - bytes) * 8 <= bytes, $"{bytes} bytes in a block of {size}");
            Assert.Equal(size, Arena.ClassOf(size));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void A_tensor_without_elements_costs_nothing()
    {
        using var x = Tensor.Zeros((0, 3), device);
        Assert.Equal(0, Report.LiveBytes);
    }

    [Fact]
    public void A_lost_tensor_is_reported()
    {
        Lose();
        Collect();
        Assert.Equal(1, Report.Leaks);
        Assert.Equal("Activation tensor of 24 bytes made by Full", Report.FirstLeak);
    }

    /// <summary>Inference as newcomers write it: nothing is disposed, no scope is open.</summary>
    [Fact]
    public void What_no_scope_owns_is_taken_back()
    {
        Lose(2_000);
        Collect();
        Assert.InRange(Report.LiveBytes, 0, 24_000);
        Assert.Equal(2_000, Report.Leaks);
        Assert.InRange(Report.ReservedBytes, 0, 4_000 * 2_000 - 1);
        using var view = Tensor.Ones(1000, device).Slice(0, 10, 20);
        Collect();
        Assert.Equal(Enumerable.Repeat(1f, 20), view.ToArray());
    }

    private void Collect()
    {
        Tensor.Ones(1, device).Dispose(); // the memory that the last kernel was handed is in use until the next one
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private void Lose(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _ = Tensor.Ones(1000, device);
            if (i % 500 == 499) Collect();
        }
    }

    [Fact]
    public void The_report_is_a_table() => Assert.Contains("activation", Report.ToString());

    private MemoryReport Report => device.Arena.Report;

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private void Lose() => _ = Tensor.Ones(3, device);
}
