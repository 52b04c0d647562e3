using ILGPU;

namespace Mayfly;

/// <summary>Reductions of strided views: kept is the layout of the result, folded that of the elements behind one result.</summary>
internal static class FoldKernels
{
    /// <summary>A group per result, for elements that lie along the folded axes.</summary>
    public static void Rows<TOp>(TOp op, GpuAxes kept, Strided y, GpuSteps xKept, GpuAxes folded, GpuSteps xFolded, ArrayView<float> x,
        int add)
        where TOp : unmanaged, IFold<TOp>
    {
        var room = Trees.Room();
        for (int k = Grid.IdxX; k < kept.Count; k += Grid.DimX)
        {
            var at = kept.Find(k);
            int start = xKept.Place(at);
            float total = Trees.Start(TOp.Kind);
            for (int i = Group.IdxX; i < folded.Count; i += Group.DimX)
                total = Trees.Join(TOp.Kind, total, op.Map(new G1(x[start + xFolded.Place(folded.Find(i))])).Value);
            total = Trees.Fold(room, TOp.Kind, total);
            if (Group.IdxX == 0) Put(op, y, at, total, add);
        }
    }

    /// <summary>
    /// A lane per result and block of folded elements, for results that lie side by side; block b's totals are the b-th row of parts.
    /// </summary>
    public static void Columns<TOp>(TOp op, GpuAxes kept, GpuSteps xKept, GpuAxes folded, GpuSteps xFolded, ArrayView<float> x,
        ArrayView<float> parts, int share)
        where TOp : unmanaged, IFold<TOp>
    {
        int start = Grid.IdxY * share, end = start + share < folded.Count ? start + share : folded.Count;
        for (int k = Lanes.First; k < kept.Count; k += Lanes.Step)
        {
            int place = xKept.Place(kept.Find(k));
            float total = Trees.Start(TOp.Kind);
            for (int i = start; i < end; i++)
                total = Trees.Join(TOp.Kind, total, op.Map(new G1(x[place + xFolded.Place(folded.Find(i))])).Value);
            parts[Grid.IdxY * kept.Count + k] = total;
        }
    }

    /// <summary>Folds the parts of <see cref="Columns"/> in their order.</summary>
    public static void Parts<TOp>(TOp op, GpuAxes kept, Strided y, ArrayView<float> parts, int blocks, int add)
        where TOp : unmanaged, IFold<TOp>
    {
        for (int k = Lanes.First; k < kept.Count; k += Lanes.Step)
        {
            float total = Trees.Start(TOp.Kind);
            for (int b = 0; b < blocks; b++) total = Trees.Join(TOp.Kind, total, parts[b * kept.Count + k]);
            Put(op, y, kept.Find(k), total, add);
        }
    }

    private static void Put<TOp>(TOp op, Strided y, GpuIndex at, float total, int add) where TOp : unmanaged, IFold<TOp>
    {
        float value = op.Finish(new G1(total)).Value;
        y[at] = add != 0 ? y[at] + value : value;
    }
}
