using ILGPU;

namespace Mayfly;

/// <summary>Where the rows of a view (B, T, H, D) with a dense last axis start.</summary>
internal readonly struct HeadView(ArrayView<float> data, int batchStep, int timeStep, int headStep)
{
    public readonly ArrayView<float> Data = data;
    private readonly int batchStep = batchStep, timeStep = timeStep, headStep = headStep;

    public int Row(int batch, int time, int head) => batch * batchStep + time * timeStep + head * headStep;

    public static HeadView Of(in View view)
    {
        var strides = view.Layout.Strides;
        return new(GpuBackend.Floats(view), checked((int)strides[0]), checked((int)strides[1]), checked((int)strides[2]));
    }
}
