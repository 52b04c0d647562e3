using ILGPU;

namespace Mayfly;

public readonly partial record struct Dropout
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Y.Count == 0) return;
        device.Launch(
            DropoutKernel.Dropout, device.Over((Y.Count + 3) / 4), GpuBackend.Floats(X), GpuBackend.Floats(Y),
            Rate, Key.Seed, Key.Stream, Add ? 1 : 0);
    }
}

/// <summary>A lane draws four numbers at a time.</summary>
internal static class DropoutKernel
{
    /// <summary>
    /// y[i] (+)= x[i] / (1 - rate) where number i of the sequence is at least rate, else 0. A lane draws four elements at a time.
    /// </summary>
    public static void Dropout(ArrayView<float> x, ArrayView<float> y, float rate, ulong seed, ulong stream, int add)
    {
        float scale = 1f / (1f - rate);
        int count = y.IntLength;
        for (int block = Lanes.First; block < (count + 3) / 4; block += Lanes.Step)
        {
            Philox.Block(seed, stream, (ulong)block, out uint a, out uint b, out uint c, out uint d);
            int i = 4 * block;
            Keep(x, y, i, a, rate, scale, add);
            if (i + 1 < count) Keep(x, y, i + 1, b, rate, scale, add);
            if (i + 2 < count) Keep(x, y, i + 2, c, rate, scale, add);
            if (i + 3 < count) Keep(x, y, i + 3, d, rate, scale, add);
        }
    }

    private static void Keep(ArrayView<float> x, ArrayView<float> y, int i, uint bits, float rate, float scale, int add)
    {
        // a choice between two known numbers: ILGPU takes the branch around a load for one that all lanes agree on
        float kept = x[i] * scale, value = Philox.Unit(bits) < rate ? 0f : kept;
        y[i] = add != 0 ? y[i] + value : value;
    }
}
