namespace Mayfly;

/// <summary>y[i] = x[i] / (1 - rate) where the counter-based number (key, i) is kept, else 0; or y += it. Contiguous; y may be x.</summary>
/// <param name="X">Any shape.</param>
/// <param name="Y">The same shape.</param>
/// <param name="Rate">The share that is dropped, in [0, 1).</param>
/// <param name="Key">The key of the random numbers.</param>
/// <param name="Add">Adds the result to y.</param>
public readonly partial record struct Dropout(View X, View Y, float Rate, RandomKey Key, bool Add = false) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("Dropout").Reads(X).Writes(Y, Add);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        V keep = V.Of(1f) - V.Of(Rate);
        for (long i = 0; i < Y.Count; i++)
        {
            bool kept = Philox.Unit(Philox.Bits(Key, i)) >= Rate;
            device.Set(Y, i, kept ? device.Get(X, i) / keep : V.Of(0f), Add);
        }
    }
}
