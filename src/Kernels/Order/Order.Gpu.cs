using ILGPU;
using ILGPU.Algorithms;

namespace Mayfly;

public readonly partial record struct Order
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (X.Count == 0) return;
        device.Launch(
            OrderKernel.Order, device.Over(X.Count), GpuBackend.Floats(X), GpuBackend.Floats(Values), GpuBackend.Ints(Places),
            checked((int)X.Shape[1]), checked((int)Values.Shape[1]), Descending ? 1 : 0);
    }
}

/// <summary>A lane counts the elements before its own.</summary>
internal static class OrderKernel
{
    /// <summary>The first <paramref name="k"/> of each row of <paramref name="n"/> elements, and their places.</summary>
    public static void Order(ArrayView<float> x, ArrayView<float> values, ArrayView<int> places, int n, int k, int descending)
    {
        for (int i = Lanes.First; i < x.IntLength; i += Lanes.Step)
        {
            int row = i / n, rank = 0;
            float own = x[i];
            for (int j = row * n; j < (row + 1) * n; j++) rank += IsBefore(x[j], own, j < i ? 1 : 0, descending);
            if (rank >= k) continue;
            values[row * k + rank] = own;
            places[row * k + rank] = i - row * n;
        }
    }

    private static int IsBefore(float a, float b, int isEarlier, int descending)
    {
        int nanA = XMath.IsNaN(a) ? 1 : 0, nanB = XMath.IsNaN(b) ? 1 : 0;
        int above = a > b | nanA > nanB ? 1 : 0, below = a < b | nanA < nanB ? 1 : 0;
        return above + below == 0 ? isEarlier : descending != 0 ? above : below;
    }
}
