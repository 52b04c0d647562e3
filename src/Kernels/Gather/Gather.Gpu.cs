using ILGPU;

namespace Mayfly;

public readonly partial record struct Gather
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Y.Count == 0) return;
        int step = checked((int)Table.Layout.Strides[0]), width = checked((int)Table.Shape[1]);
        if (Table.Type == DType.BF16)
        {
            device.Launch(
                StoredKernels.GatherHalves, device.Over(Y.Count), GpuBackend.Halves(Table), step, GpuBackend.Ints(Ids),
                GpuBackend.Floats(Y), width);
            return;
        }

        if (Table.IsStored)
        {
            device.RunNaive(this);
            return;
        }

        device.Launch(
            GatherKernel.Gather, device.Over(Y.Count), GpuBackend.Ints(Table), step, GpuBackend.Ints(Ids), GpuBackend.Ints(Y), width);
    }
}

/// <summary>A lane copies one element at a time.</summary>
internal static class GatherKernel
{
    /// <summary>y[i, j] = table[ids[i], j]; words are elements of four bytes.</summary>
    public static void Gather(ArrayView<int> table, int tableStep, ArrayView<int> ids, ArrayView<int> y, int width)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step)
        {
            int row = i / width;
            y[i] = table[(long)ids[row] * tableStep + (i - row * width)];
        }
    }
}
