using ILGPU;

namespace Mayfly;

public readonly partial record struct Integers
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Y.Count == 0) return;
        if (Compares)
            device.Launch(
                IntegerKernels.Compare, device.Over(Y.Count), GpuBackend.Ints(A), GpuBackend.Ints(B), GpuBackend.Floats(Y), (int)Formula);
        else
            device.Launch(
                IntegerKernels.Compute, device.Over(Y.Count), GpuBackend.Ints(A), GpuBackend.Ints(B), GpuBackend.Ints(Y), (int)Formula);
    }
}

/// <summary>A lane computes one element at a time.</summary>
internal static class IntegerKernels
{
    /// <summary>y[i] = a sum, difference or product.</summary>
    public static void Compute(ArrayView<int> a, ArrayView<int> b, ArrayView<int> y, int formula)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step) y[i] = Integers.Of(formula, a[i], b[i]);
    }

    /// <summary>y[i] = 1 or 0.</summary>
    public static void Compare(ArrayView<int> a, ArrayView<int> b, ArrayView<float> y, int formula)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step) y[i] = Integers.Of(formula, a[i], b[i]);
    }
}
