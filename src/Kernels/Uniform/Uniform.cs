namespace Mayfly;

/// <summary>
/// y[i] = an odd multiple of 2^-24, uniform in (-1, 1), from the counter-based number (key, i): the same numbers on every device.
/// </summary>
/// <param name="Y">Any shape, contiguous.</param>
/// <param name="Key">The key of the random numbers.</param>
public readonly partial record struct Uniform(View Y, RandomKey Key) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("Uniform").Writes(Y);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        for (long i = 0; i < Y.Count; i++) device.Set(Y, i, V.Of(Philox.Symmetric(Philox.Unit(Philox.Bits(Key, i)))));
    }
}
