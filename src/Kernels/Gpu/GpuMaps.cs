using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace Mayfly;

/// <summary>Runs <see cref="MapKernels"/> on ILGPU's CPU accelerator, host arrays in and out: the proof that a formula compiles and computes there.</summary>
internal sealed class GpuMaps : IDisposable
{
    private readonly Context context;
    private readonly Accelerator accelerator;

    public GpuMaps()
    {
        context = Context.Create(builder => builder.CPU(new CPUDevice(4, 1, 1)).EnableAlgorithms());
        accelerator = context.CreateCPUAccelerator(0);
    }

    /// <summary>F(x)</summary>
    public float[] Map<TOp>(TOp op, float[] x) where TOp : unmanaged, IMap1<TOp>
    {
        using var bx = accelerator.Allocate1D(x);
        using var y = accelerator.Allocate1D<float>(x.Length);
        var kernel = accelerator.LoadAutoGroupedStreamKernel<Index1D, TOp, ArrayView<float>, ArrayView<float>>(MapKernels.Map<TOp>);
        kernel(x.Length, op, bx.View, y.View);
        return Read(y);
    }

    /// <summary>D(x, dy)</summary>
    public float[] MapBack<TOp>(TOp op, float[] x, float[] dy) where TOp : unmanaged, IMap1<TOp>
    {
        using var bx = accelerator.Allocate1D(x);
        using var bdy = accelerator.Allocate1D(dy);
        using var dx = accelerator.Allocate1D<float>(x.Length);
        var kernel = accelerator.LoadAutoGroupedStreamKernel<Index1D, TOp, ArrayView<float>, ArrayView<float>, ArrayView<float>>(
            MapKernels.MapBack<TOp>);
        kernel(x.Length, op, bx.View, bdy.View, dx.View);
        return Read(dx);
    }

    /// <summary>F(a, b)</summary>
    public float[] Map2<TOp>(TOp op, float[] a, float[] b) where TOp : unmanaged, IMap2<TOp>
    {
        using var ba = accelerator.Allocate1D(a);
        using var bb = accelerator.Allocate1D(b);
        using var y = accelerator.Allocate1D<float>(a.Length);
        var kernel = accelerator.LoadAutoGroupedStreamKernel<Index1D, TOp, ArrayView<float>, ArrayView<float>, ArrayView<float>>(
            MapKernels.Map2<TOp>);
        kernel(a.Length, op, ba.View, bb.View, y.View);
        return Read(y);
    }

    /// <summary>DA(a, b, dy) and DB(a, b, dy)</summary>
    public (float[] Da, float[] Db) Map2Back<TOp>(TOp op, float[] a, float[] b, float[] dy) where TOp : unmanaged, IMap2<TOp>
    {
        using var ba = accelerator.Allocate1D(a);
        using var bb = accelerator.Allocate1D(b);
        using var bdy = accelerator.Allocate1D(dy);
        using var da = accelerator.Allocate1D<float>(a.Length);
        using var db = accelerator.Allocate1D<float>(a.Length);
        var kernel = accelerator.LoadAutoGroupedStreamKernel<
            Index1D, TOp, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(MapKernels.Map2Back<TOp>);
        kernel(a.Length, op, ba.View, bb.View, bdy.View, da.View, db.View);
        return (Read(da), Read(db));
    }

    /// <summary>F(a, b, c)</summary>
    public float[] Map3<TOp>(TOp op, float[] a, float[] b, float[] c) where TOp : unmanaged, IMap3<TOp>
    {
        using var ba = accelerator.Allocate1D(a);
        using var bb = accelerator.Allocate1D(b);
        using var bc = accelerator.Allocate1D(c);
        using var y = accelerator.Allocate1D<float>(a.Length);
        var kernel = accelerator.LoadAutoGroupedStreamKernel<
            Index1D, TOp, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(MapKernels.Map3<TOp>);
        kernel(a.Length, op, ba.View, bb.View, bc.View, y.View);
        return Read(y);
    }

    /// <summary>The parameter and its two states after one step.</summary>
    public (float[] P, float[] S0, float[] S1) Update<TOp>(TOp op, float[] g, float[] p, float[] s0, float[] s1) where TOp : unmanaged, IUpdate<TOp>
    {
        using var bg = accelerator.Allocate1D(g);
        using var bp = accelerator.Allocate1D(p);
        using var b0 = accelerator.Allocate1D(s0);
        using var b1 = accelerator.Allocate1D(s1);
        var kernel = accelerator.LoadAutoGroupedStreamKernel<
            Index1D, TOp, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(MapKernels.Update<TOp>);
        kernel(g.Length, op, bg.View, bp.View, b0.View, b1.View);
        return (Read(bp), Read(b0), Read(b1));
    }

    public void Dispose()
    {
        accelerator.Dispose();
        context.Dispose();
    }

    private float[] Read(MemoryBuffer1D<float, Stride1D.Dense> buffer)
    {
        accelerator.Synchronize();
        return buffer.GetAsArray1D();
    }
}
