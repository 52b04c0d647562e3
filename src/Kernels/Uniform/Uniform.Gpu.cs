using ILGPU;

namespace Mayfly;

public readonly partial record struct Uniform
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Y.Count > 0) device.Launch(UniformKernel.Uniform, device.Over((Y.Count + 3) / 4), GpuBackend.Floats(Y), Key.Seed, Key.Stream);
    }
}

/// <summary>A lane draws four numbers at a time.</summary>
internal static class UniformKernel
{
    /// <summary>
    /// y[i] = the odd multiple of 2^-24 in (-1, 1) that number i of the sequence makes. A lane draws four elements at a time.
    /// </summary>
    public static void Uniform(ArrayView<float> y, ulong seed, ulong stream)
    {
        int count = y.IntLength;
        for (int block = Lanes.First; block < (count + 3) / 4; block += Lanes.Step)
        {
            Philox.Block(seed, stream, (ulong)block, out uint a, out uint b, out uint c, out uint d);
            int i = 4 * block;
            y[i] = Symmetric(a);
            if (i + 1 < count) y[i + 1] = Symmetric(b);
            if (i + 2 < count) y[i + 2] = Symmetric(c);
            if (i + 3 < count) y[i + 3] = Symmetric(d);
        }
    }

    private static float Symmetric(uint bits) => Philox.Symmetric(Philox.Unit(bits));
}
