using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

public class LineTests
{
    [Fact]
    public void Thinning_keeps_ends_extremes_and_gaps() => Prop.ForAll((float[] values, byte bucketCount) =>
    {
        int buckets = 1 + bucketCount % 8;
        var line = Of([.. values.Select(value => (double)value)]);
        int[] kept = [.. line.Kept(buckets)];
        double[] left = [.. kept.Select(i => line.Y[i]).Where(Line.IsDrawn)];
        return kept.SequenceEqual(kept.Order().Distinct()) && kept.Length <= 5 * buckets
            && (values.Length == 0 || (kept[0] == 0 && kept[^1] == values.Length - 1))
            && left.DefaultIfEmpty().Min() == line.Drawn.DefaultIfEmpty().Min()
                && left.DefaultIfEmpty().Max() == line.Drawn.DefaultIfEmpty().Max()
            && line.Y.All(Line.IsDrawn) == kept.All(i => Line.IsDrawn(line.Y[i]));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_single_spike_and_a_single_gap_among_many_points_are_kept()
    {
        double[] values = new double[100_000];
        (values[12_345], values[67_890], values[77_777]) = (5, -5, double.NaN);
        int[] kept = [.. Of(values).Kept(500)];
        Assert.Contains(12_345, kept);
        Assert.Contains(67_890, kept);
        Assert.Contains(77_777, kept);
        Assert.InRange(kept.Length, 1000, 2500);
    }

    [Fact]
    public void Smoothing_keeps_a_constant_and_the_gaps()
    {
        double[] values = [.. Enumerable.Range(0, 300).Select(i => i % 7 == 3 ? double.NaN : 2.5)];
        var smooth = Of(values).Smoothed("", "");
        Assert.All(values.Zip(smooth.Y), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
    }

    [Fact]
    public void Smoothing_halves_a_jump_in_a_hundredth_of_the_run()
    {
        double[] values = [.. Enumerable.Range(0, 1000).Select(i => i < 500 ? 0.0 : 1)];
        Assert.Equal(0.5, Of(values).Smoothed("", "").Y[509], 1e-3);
    }

    [Fact]
    public void Joining_leaves_out_what_was_not_measured()
    {
        var line = Of([double.NaN, 3, double.NaN, 4]).Joined();
        Assert.Equal([1, 3], line.X);
        Assert.Equal([3, 4], line.Y);
    }

    private static Line Of(double[] values) => new("", "", [.. Enumerable.Range(0, values.Length).Select(i => (double)i)], values);
}
