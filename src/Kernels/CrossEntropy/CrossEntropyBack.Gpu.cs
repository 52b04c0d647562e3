using ILGPU;

namespace Mayfly;

public readonly partial record struct CrossEntropyBack
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Targets.Count == 0) return;
        int classes = checked((int)Logits.Shape[-1]);
        device.Launch(
            CrossEntropyBackKernel.Gradient, device.GroupsOfRows(Targets.Count, classes), GpuBackend.Floats(Logits), classes,
            GpuBackend.Ints(Targets), IgnoreIndex, GpuBackend.Floats(Lse), GpuBackend.Floats(Dloss), GpuBackend.Floats(Dlogits),
            Add ? 1 : 0);
    }
}

/// <summary>A group per row.</summary>
internal static class CrossEntropyBackKernel
{
    public static void Gradient(
        ArrayView<float> logits, int classes, ArrayView<int> targets, int ignored, ArrayView<float> lse,
        ArrayView<float> dloss, ArrayView<float> dlogits, int add)
    {
        float factor = dloss[0];
        for (int row = Grid.IdxX; row < targets.IntLength; row += Grid.DimX)
        {
            int target = targets[row], start = row * classes;
            float logSum = lse[row];
            for (int j = Group.IdxX; j < classes; j += Group.DimX)
            {
                float probability = CrossEntropyKernel.Exp(logits[start + j] - logSum);
                float gradient = target == ignored ? 0f : factor * (j == target ? probability - 1f : probability);
                dlogits[start + j] = add != 0 ? dlogits[start + j] + gradient : gradient;
            }
        }
    }
}
