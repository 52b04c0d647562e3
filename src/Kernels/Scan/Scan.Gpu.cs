using ILGPU;

namespace Mayfly;

public readonly partial record struct Scan
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (X.Count == 0) return;
        device.Launch(
            ScanKernel.Scan, device.Over(X.Shape[0]), GpuBackend.Floats(X), GpuBackend.Floats(Y), checked((int)X.Shape[1]),
            Backwards ? 1 : 0, Add ? 1 : 0);
    }
}

/// <summary>A lane goes along a row.</summary>
internal static class ScanKernel
{
    /// <summary>
    /// The running sums of rows of <paramref name="n"/> elements; the rounding of each addition is carried on (Kahan 1965).
    /// </summary>
    public static void Scan(ArrayView<float> x, ArrayView<float> y, int n, int backwards, int add)
    {
        for (int row = Lanes.First; row < x.IntLength / n; row += Lanes.Step)
        {
            float total = 0f, lost = 0f;
            for (int i = 0; i < n; i++)
            {
                int place = row * n + (backwards != 0 ? n - 1 - i : i);
                float term = x[place] - lost, sum = total + term;
                lost = sum - total - term;
                total = sum;
                y[place] = add != 0 ? y[place] + total : total;
            }
        }
    }
}
