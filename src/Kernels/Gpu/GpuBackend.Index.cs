using ILGPU;

namespace Mayfly;

internal sealed partial class GpuBackend
{
    /// <inheritdoc/>
    public override void Gather(in View table, in View ids, in View y)
    {
        if (y.Count == 0) return;
        int step = checked((int)table.Layout.Strides[0]), width = checked((int)table.Shape[1]);
        Launch(IndexKernels.Gather, Over(y.Count), Ints(table), step, Ints(ids), Ints(y), width);
    }

    /// <inheritdoc/>
    public override void ScatterAdd(in View dy, in View ids, in View table)
    {
        if (dy.Count == 0) return;
        int step = checked((int)table.Layout.Strides[0]), width = checked((int)table.Shape[1]);
        Launch(IndexKernels.ScatterAdd, (Groups(ids.Count), GroupSize), Floats(dy), Ints(ids), Floats(table), step, width);
    }

    /// <inheritdoc/>
    public override void Dropout(in View x, in View y, float rate, in RandomKey key, bool add)
    {
        if (y.Count > 0) Launch(IndexKernels.Dropout, Over((y.Count + 3) / 4), Floats(x), Floats(y), rate, key.Seed, key.Stream, add ? 1 : 0);
    }

    /// <inheritdoc/>
    public override void Uniform(in View y, in RandomKey key)
    {
        if (y.Count > 0) Launch(IndexKernels.Uniform, Over((y.Count + 3) / 4), Floats(y), key.Seed, key.Stream);
    }

    /// <inheritdoc/>
    public override void Rotate(in View x, in View table, in View y, bool halves, bool inverse, bool add)
    {
        if (x.Count == 0) return;
        var shape = x.Shape;
        var sizes = new RotateKernel.Sizes((int)shape[0], (int)shape[1], (int)shape[2], (int)shape[3] / 2, halves, inverse, add);
        Launch(RotateKernel.Rotate, Over(sizes.Count), sizes, Heads(x), Floats(table), Heads(y));
    }

    private static HeadView Heads(in View view)
    {
        var strides = view.Layout.Strides;
        return new HeadView(Floats(view), checked((int)strides[0]), checked((int)strides[1]), checked((int)strides[2]));
    }
}
