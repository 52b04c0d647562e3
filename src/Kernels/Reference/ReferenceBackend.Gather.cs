namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Gather(in View table, in View ids, in View y)
    {
        long n = table.Shape[-1];
        for (long i = 0; i < ids.Count; i++)
            for (long j = 0; j < n; j++) Set(y, i * n + j, Get(table, Id(ids, i) * n + j));
    }

    /// <inheritdoc/>
    public override void ScatterAdd(in View dy, in View ids, in View table)
    {
        long n = table.Shape[-1];
        for (long i = 0; i < ids.Count; i++)
            for (long j = 0; j < n; j++) Set(table, Id(ids, i) * n + j, Get(dy, i * n + j), add: true);
    }
}
