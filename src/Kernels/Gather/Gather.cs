namespace Mayfly;

/// <summary>y[i, :] = table[ids[i], :]. Ids are checked by the caller.</summary>
/// <param name="Table">(V, C), the last axis is dense. Elements that are stored only become floats.</param>
/// <param name="Ids">I32 of any rank, contiguous.</param>
/// <param name="Y">The ids' shape with one more axis, C; contiguous.</param>
public readonly partial record struct Gather(View Table, View Ids, View Y) : IKernel
{
    /// <summary>As many elements of the table are read as are written.</summary>
    public KernelCost Cost => new KernelCost("Gather").Reads(Ids, Y).Writes(Y);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = Table.Shape[-1];
        for (long i = 0; i < Ids.Count; i++)
            for (long j = 0; j < n; j++) device.Set(Y, i * n + j, device.Get(Table, device.Id(Ids, i) * n + j));
    }
}
