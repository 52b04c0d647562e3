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
            GpuBackend.Ints(Targets), IgnoreIndex, GpuBackend.Floats(Stats), GpuBackend.Floats(Dloss), GpuBackend.Floats(Dlogits),
            Add ? 1 : 0);
    }
}

/// <summary>A group per row.</summary>
internal static class CrossEntropyBackKernel
{
    public static void Gradient(
        ArrayView<float> logits, int classes, ArrayView<int> targets, int ignored, ArrayView<float> stats,
        ArrayView<float> dloss, ArrayView<float> dlogits, int add)
    {
        float factor = dloss[0];
        for (int row = Grid.IdxX; row < targets.IntLength; row += Grid.DimX)
        {
            int target = targets[row], start = row * classes;
            float largest = stats[2 * row], logSum = stats[2 * row + 1];
            for (int j = Group.IdxX; j < classes; j += Group.DimX)
            {
                float logProbability = logits[start + j] - largest - logSum, probability = CrossEntropyKernel.Exp(logProbability);
                float share = j == target ? MinusOne(logProbability, probability) : probability;
                float gradient = target == ignored ? 0f : factor * share;
                dlogits[start + j] = add != 0 ? dlogits[start + j] + gradient : gradient;
            }
        }
    }

    /// <summary>exp(x) - 1 for x not above zero, near zero by the series, which does not cancel.</summary>
    private static float MinusOne(float x, float exp) =>
        x > -0.1f ? x * (1f + x / 2f * (1f + x / 3f * (1f + x / 4f * (1f + x / 5f)))) : exp - 1f;
}
