using ILGPU;

namespace Mayfly;

/// <summary>The element-wise kernels: each lane computes every so-manieth element.</summary>
internal static class MapKernels
{
    public static void Map<TOp>(TOp op, GpuAxes axes, Strided x, Strided y) where TOp : unmanaged, IMap1<TOp>
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[at] = op.F(new G1(x[at])).Value;
        }
    }

    public static void MapBack<TOp>(TOp op, GpuAxes axes, Strided x, Strided dy, Strided dx, int add) where TOp : unmanaged, IMap1<TOp>
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            Put(dx, at, TOp.D(op, new G1(x[at]), new G1(dy[at])).Value, add);
        }
    }

    public static void Map2<TOp>(TOp op, GpuAxes axes, Strided a, Strided b, Strided y) where TOp : unmanaged, IMap2<TOp>
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[at] = op.F(new G1(a[at]), new G1(b[at])).Value;
        }
    }

    public static void Map2Back<TOp>(TOp op, GpuAxes axes, Strided a, Strided b, Strided dy, Strided da, int addA, Strided db, int addB)
        where TOp : unmanaged, IMap2<TOp>
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            G1 x = new(a[at]), y = new(b[at]), g = new(dy[at]);
            if (da.Exists) Put(da, at, TOp.DA(op, x, y, g).Value, addA);
            if (db.Exists) Put(db, at, TOp.DB(op, x, y, g).Value, addB);
        }
    }

    public static void Map3<TOp>(TOp op, GpuAxes axes, Strided a, Strided b, Strided c, Strided y) where TOp : unmanaged, IMap3<TOp>
    {
        for (int i = Lanes.First; i < axes.Count; i += Lanes.Step)
        {
            var at = axes.Find(i);
            y[at] = op.F(new G1(a[at]), new G1(b[at]), new G1(c[at])).Value;
        }
    }

    private static void Put(Strided y, GpuIndex at, float value, int add) => y[at] = add != 0 ? y[at] + value : value;
}
