namespace Mayfly;

/// <summary>y[r, i] = x[r, 0] + ... + x[r, i], or from the other end; sums of a row one after the other, in double precision.</summary>
/// <param name="X">(rows, n), dense.</param>
/// <param name="Y">(rows, n), dense.</param>
/// <param name="Backwards">From the last element on.</param>
/// <param name="Add">Adds to y instead of overwriting it.</param>
public readonly partial record struct Scan(View X, View Y, bool Backwards = false, bool Add = false) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("Scan").Reads(X).Writes(Y, Add);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = X.Shape[1];
        for (long row = 0; row < X.Shape[0]; row++)
        {
            V total = V.Of(0f);
            for (long i = 0; i < n; i++)
            {
                long place = row * n + (Backwards ? n - 1 - i : i);
                total += device.Get(X, place);
                device.Set(Y, place, total, Add);
            }
        }
    }
}
