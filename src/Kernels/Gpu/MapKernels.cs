using ILGPU;

namespace Mayfly;

/// <summary>The element-wise kernels of a GPU thread: one element each, contiguous views of equal length.</summary>
internal static class MapKernels
{
    public static void Map<TOp>(Index1D i, TOp op, ArrayView<float> x, ArrayView<float> y) where TOp : unmanaged, IMap1<TOp> =>
        y[i] = op.F(new G1(x[i])).Value;

    public static void MapBack<TOp>(Index1D i, TOp op, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> dx)
        where TOp : unmanaged, IMap1<TOp> =>
        dx[i] = TOp.D(op, new G1(x[i]), new G1(dy[i])).Value;

    public static void Map2<TOp>(Index1D i, TOp op, ArrayView<float> a, ArrayView<float> b, ArrayView<float> y) where TOp : unmanaged, IMap2<TOp> =>
        y[i] = op.F(new G1(a[i]), new G1(b[i])).Value;

    public static void Map2Back<TOp>(
        Index1D i, TOp op, ArrayView<float> a, ArrayView<float> b, ArrayView<float> dy, ArrayView<float> da, ArrayView<float> db)
        where TOp : unmanaged, IMap2<TOp>
    {
        G1 x = new(a[i]), y = new(b[i]), g = new(dy[i]);
        da[i] = TOp.DA(op, x, y, g).Value;
        db[i] = TOp.DB(op, x, y, g).Value;
    }

    public static void Map3<TOp>(Index1D i, TOp op, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, ArrayView<float> y)
        where TOp : unmanaged, IMap3<TOp> =>
        y[i] = op.F(new G1(a[i]), new G1(b[i]), new G1(c[i])).Value;

    public static void Update<TOp>(Index1D i, TOp op, ArrayView<float> g, ArrayView<float> p, ArrayView<float> s0, ArrayView<float> s1)
        where TOp : unmanaged, IUpdate<TOp>
    {
        G1 weight = new(p[i]), first = new(s0[i]), second = new(s1[i]);
        op.Step(new G1(g[i]), ref weight, ref first, ref second);
        p[i] = weight.Value;
        s0[i] = first.Value;
        s1[i] = second.Value;
    }
}
