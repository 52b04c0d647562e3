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
    public override unsafe void SumSquares(ReadOnlySpan<View> views, Span<double> sums)
    {
        if (View.HasStored(views))
        {
            base.SumSquares(views, sums);
            return;
        }

        if (views.Length == 0) return;
        lock (Gate)
        {
            int groups = SquaresGroups, count = views.Length;
            var room = Workspace(2L * count * (groups + 1)).Cast<double>();
            var parts = room.SubView(count, count * groups);
            for (int i = 0; i < count; i += Eight<SquaresItem>.Room)
            {
                var some = views[i..Math.Min(count, i + Eight<SquaresItem>.Room)];
                KernelConfig lines = new(new Index2D(groups, some.Length), new Index2D(GroupSize, 1));
                Launch(SquaresKernels.Squares, lines, Items(some), parts.SubView(i * groups, some.Length * groups));
            }

            Launch(SquaresKernels.Lines, (count, GroupSize), parts, groups, room.SubView(0, count));
            fixed (double* to = sums) ReadBack(room.SubView(0, count), (nint)to);
        }
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

    /// <summary>Waits for numbers.</summary>
    private unsafe void ReadBack(ArrayView<double> source, nint to)
    {
        Meter.Waits++;
        Meter.ReadBytes += source.LengthInBytes;
        Guarded(() => source.CopyToCPU(stream, ref *(double*)to, source.Length));
    }
}
