namespace Mayfly;

/// <summary>
/// The first elements of each row by size, with their places. Equal elements stay in their order; NaN is larger than every number.
/// </summary>
/// <param name="X">(rows, n), dense.</param>
/// <param name="Values">(rows, k), dense.</param>
/// <param name="Places">I32 (rows, k), dense: where each was in its row.</param>
/// <param name="Descending">The largest first.</param>
public readonly partial record struct Order(View X, View Values, View Places, bool Descending) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("Order").Reads(X).Writes(Values).Writes(Places);

    /// <summary>An element's rank is the number of those before it.</summary>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = X.Shape[1], k = Values.Shape[1];
        for (long row = 0; row < X.Shape[0]; row++)
            for (long i = 0; i < n; i++)
            {
                double x = V.Sum(device.Get(X, row * n + i));
                long rank = 0;
                for (long j = 0; j < n; j++)
                    if (IsBefore(V.Sum(device.Get(X, row * n + j)), x, j < i)) rank++;
                if (rank >= k) continue;
                device.Set(Values, row * k + rank, device.Get(X, row * n + i));
                device.SetId(Places, row * k + rank, (int)i);
            }
    }

    private bool IsBefore(double a, double b, bool isEarlier)
    {
        int size = a.CompareTo(b); // NaN is below every number here
        if (double.IsNaN(a) != double.IsNaN(b)) size = -size;
        return size == 0 ? isEarlier : Descending ? size > 0 : size < 0;
    }
}
