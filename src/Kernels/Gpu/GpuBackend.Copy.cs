using ILGPU.Runtime;

namespace Mayfly;

public sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Fill(in View y, double value)
    {
        if (y.Count == 0) return;
        if (y.IsStored)
        {
            using var floats = new FloatOperands(this);
            Fill(floats.Write(y), value);
            return;
        }

        var walk = new Walk([y]);
        if (y.Type == DType.F32) Launch(CopyKernels.Fill, Over(walk.Count), new GpuAxes(walk), Strided(y, walk, 0), (float)value);
        else if (y.Type == DType.I32)
            Launch(CopyKernels.FillWords, Over(walk.Count), new GpuAxes(walk), new GpuSteps(walk, 0), Ints(y), (int)value);
        else FillOnHost(y, value);
    }

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false)
    {
        if (y.Count == 0) return;
        if (x.IsStored || y.IsStored)
        {
            CopyStored(x, y, add);
            return;
        }

        var walk = new Walk([x, y]);
        var axes = new GpuAxes(walk);
        GpuSteps xSteps = new(walk, 0), ySteps = new(walk, 1);
        bool floats = x.Type == DType.F32 && y.Type == DType.F32;
        if (floats && add) Launch(CopyKernels.Add, Over(walk.Count), axes, Strided(x, walk, 0), Strided(y, walk, 1));
        else if (floats || (x.Type == DType.I32 && y.Type == DType.I32 && !add))
            Launch(CopyKernels.Words, Over(walk.Count), axes, xSteps, Ints(x), ySteps, Ints(y));
        else if (x.Type == DType.F32 && y.Type == DType.I32 && !add)
            Launch(CopyKernels.ToInteger, Over(walk.Count), axes, Strided(x, walk, 0), ySteps, Ints(y));
        else if (x.Type == DType.I32 && y.Type == DType.F32 && !add)
            Launch(CopyKernels.FromInteger, Over(walk.Count), axes, xSteps, Ints(x), Strided(y, walk, 1));
        else CopyOnHost(x, y, add);
    }

    /// <summary>By way of floats, part by part where that can be; dense views of one type to the bit.</summary>
    private void CopyStored(in View x, in View y, bool add)
    {
        bool dense = x.Layout.IsContiguous && y.Layout.IsContiguous, whole = x.Layout.Offset == 0 && y.Layout.Offset == 0;
        if (x.Type == y.Type && dense && whole && !add)
        {
            long bytes = y.Type.Bytes(y.Count);
            var (from, to) = (Bytes(x).SubView(0, bytes), Bytes(y).SubView(0, bytes));
            Guarded(() => to.CopyFrom(stream, from));
            return;
        }

        long part = dense ? StoredPart : y.Count;
        for (long i = 0; i < y.Count; i += part)
        {
            var some = new Layout(Math.Min(part, y.Count - i), 1, 0);
            View from = dense ? x.With(some with { Offset = x.Layout.Offset + i }) : x;
            View to = dense ? y.With(some with { Offset = y.Layout.Offset + i }) : y;
            using var floats = new FloatOperands(this);
            Copy(floats.Read(from), floats.Write(to, add), add);
        }
    }

    // double precision has no kernels here
    private void FillOnHost(View y, double value) => OnHost(blocks => new ReferenceBackend<D1>(blocks).Fill(y, value));

    private void CopyOnHost(View x, View y, bool add) => OnHost(blocks => new ReferenceBackend<D1>(blocks).Copy(x, y, add));
}
