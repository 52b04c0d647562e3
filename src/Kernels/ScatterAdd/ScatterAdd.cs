namespace Mayfly;

/// <summary>table[ids[i], :] += dy[i, :], each table row summed in the order of i.</summary>
/// <param name="Dy">The ids' shape with one more axis, C; contiguous.</param>
/// <param name="Ids">I32 of any rank, contiguous.</param>
/// <param name="Table">(V, C); the last axis is dense.</param>
public readonly partial record struct ScatterAdd(View Dy, View Ids, View Table) : IKernel
{
    /// <summary>As if every row of dy went to a row of the table of its own, as far as it has so many.</summary>
    public KernelCost Cost => new KernelCost("ScatterAdd").Reads(Ids, Dy).Writes(Dy.Count < Table.Count ? Dy : Table, add: true);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long n = Table.Shape[-1];
        for (long i = 0; i < Ids.Count; i++)
            for (long j = 0; j < n; j++) device.Set(Table, device.Id(Ids, i) * n + j, device.Get(Dy, i * n + j), add: true);
    }
}
