using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

public class AxisTests
{
    [Theory]
    [InlineData(0, 2000, 8, "0 500 1,000 1,500 2,000")]
    [InlineData(0, 1e-3, 5, "0 0.0002 0.0004 0.0006 0.0008 0.0010")]
    [InlineData(0, 3e-5, 5, "0 1e-5 2e-5 3e-5")]
    [InlineData(1.23, 4.31, 6, "1 2 3 4 5")]
    [InlineData(0, 35.5, 5, "0 10 20 30 40")]
    [InlineData(-1, 1, 4, "-1.0 -0.5 0 0.5 1.0")]
    [InlineData(0, 1_234_567, 4, "0 0.5M 1.0M 1.5M")]
    [InlineData(2, 2, 4, "1.8 1.9 2.0 2.1 2.2")]
    [InlineData(0, 0, 2, "0 0.5 1.0")]
    public void Ticks_are_round_and_labeled_to_their_precision(double low, double high, int most, string labels)
    {
        var axis = Axis.Over(low, high, most).Rounded();
        Assert.Equal(labels, string.Join(' ', axis.Ticks.Select(axis.Label)));
    }

    [Fact]
    public void An_axis_that_is_not_rounded_keeps_its_ends()
    {
        var axis = Axis.Over(12, 961, 5);
        Assert.Equal((12, 961), (axis.Low, axis.High));
        Assert.Equal([200, 400, 600, 800], axis.Ticks);
    }

    [Fact]
    public void Any_two_numbers_have_a_few_ticks_that_span_them() => Prop.ForAll((double a, double b, byte most) =>
    {
        if (!Line.IsDrawn(a) || !Line.IsDrawn(b) || Math.Max(Math.Abs(a), Math.Abs(b)) is < 1e-30 and > 0) return true;
        var axis = Axis.Over(Math.Min(a, b), Math.Max(a, b), 2 + most % 10).Rounded();
        double[] ticks = [.. axis.Ticks];
        double slack = axis.Step * 1e-6;
        return ticks.Length is >= 2 and <= 13 && ticks[0] <= Math.Min(a, b) + slack && ticks[^1] >= Math.Max(a, b) - slack
            && ticks.Select(axis.Label).Distinct().Count() == ticks.Length;
    }).QuickCheckThrowOnFailure();
}
