namespace Mayfly;

/// <summary>
/// A computation that fits none of the shapes into which formulas are plugged: a <c>readonly struct</c> of its operands, with a form for
/// each kind of device. The naive form is the specification and must be written; a device for which no form is written runs the naive one.
/// A kernel may rely on fitting shapes and types: the op that runs it checks them. <see cref="Backend.Run"/> runs it.
/// </summary>
public interface IKernel
{
    /// <summary>What the call must move and compute.</summary>
    KernelCost Cost { get; }

    /// <summary>
    /// The naive form: one element at a time, by <see cref="ReferenceBackend{V}.Get(in View, long)"/> and its neighbours.
    /// </summary>
    /// <typeparam name="V">The number it computes in.</typeparam>
    void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>;

    /// <summary>The form for the CPU. By default the naive one in single precision, on one thread.</summary>
    /// <typeparam name="L">The vector lane.</typeparam>
    void On<L>(CpuBackend<L> device) where L : struct, ISimd<L> => device.RunNaive(this);

    /// <summary>
    /// The form for GPUs. By default the naive one in single precision, on the host: the operands' memory is copied there and back.
    /// </summary>
    void On(GpuBackend device) => device.RunNaive(this);
}

/// <summary>What one call of a kernel has to do, by its operands' shapes.</summary>
/// <param name="Name">The kernel and its formula.</param>
/// <param name="Bytes">What it must read and write: each distinct element of each operand once, however often the kernel needs it.</param>
/// <param name="Flops">
/// Additions and multiplications of matrix products. Other kernels count none: their bytes take longer than their arithmetic.
/// </param>
public readonly record struct KernelCost(string Name, double Bytes = 0, double Flops = 0)
{
    /// <summary>The cost of reading the views as well; an absent one costs nothing.</summary>
    public KernelCost Reads(params ReadOnlySpan<View> views)
    {
        double bytes = Bytes;
        foreach (var view in views) bytes += Distinct(view);
        return this with { Bytes = bytes };
    }

    /// <summary>The cost of writing a view as well, or of adding to it.</summary>
    public KernelCost Writes(in View view, bool add = false) => this with { Bytes = Bytes + (add ? 2 : 1) * Distinct(view) };

    /// <summary>The bytes of a view's distinct elements; none of an absent one.</summary>
    private static double Distinct(in View view)
    {
        if (view.IsAbsent) return 0;
        double count = 1;
        for (int axis = 0; axis < view.Shape.Rank; axis++)
            if (view.Layout.Strides[axis] != 0 || view.Shape[axis] == 0) count *= view.Shape[axis];
        return count * view.Type.Size();
    }
}
