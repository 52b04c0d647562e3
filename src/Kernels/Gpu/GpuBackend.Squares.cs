using ILGPU;
using ILGPU.Runtime;

namespace Mayfly;

public sealed partial class GpuBackend
{
    /// <summary>Groups for one operand: enough to keep a card's memory busy.</summary>
    private int SquaresGroups => IsSimulated ? 2 : 512;

    /// <inheritdoc/>
    public override double SumSquares(in View x)
    {
        if (x.IsStored) return SumSquaresStored(x);
        double sum = 0;
        SumSquares(new ReadOnlySpan<View>(in x), new Span<double>(ref sum));
        return sum;
    }

    /// <inheritdoc/>
    public override void SumSquares(ReadOnlySpan<View> views, Span<double> sums)
    {
        if (View.HasStored(views))
        {
            base.SumSquares(views, sums);
            return;
        }

        var later = new Number[views.Length];
        Squares(views, later);
        Read(later, sums);
    }

    private void SumSquares(ReadOnlySpan<View> views, ArrayView<double> sums)
    {
        int groups = SquaresGroups, count = views.Length;
        var parts = Workspace(2L * count * groups).Cast<double>();
        for (int i = 0; i < count; i += Eight<SquaresItem>.Room)
        {
            var some = views[i..Math.Min(count, i + Eight<SquaresItem>.Room)];
            KernelConfig lines = new(new Index2D(groups, some.Length), new Index2D(GroupSize, 1));
            Launch(SquaresKernels.Squares, lines, Items(some), parts.SubView(i * groups, some.Length * groups));
        }

        Launch(SquaresKernels.Lines, (count, GroupSize), parts, groups, sums);
    }

    private static Eight<SquaresItem> Items(ReadOnlySpan<View> views)
    {
        Eight<SquaresItem> items = default;
        for (int i = 0; i < views.Length; i++)
        {
            var walk = new Walk([views[i]]);
            var dense = views[i].Layout.IsContiguous ? Floats(views[i]) : ArrayView<float>.Empty;
            items[i] = new SquaresItem(new GpuAxes(walk), Strided(views[i], walk, 0), dense);
        }

        return items;
    }
}
