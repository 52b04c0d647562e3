namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
    {
        for (long i = 0; i < p.Count; i++)
        {
            V parameter = Get(p, i), first = GetOrZero(s0, i), second = GetOrZero(s1, i);
            op.Step(Get(g, i), ref parameter, ref first, ref second);
            Set(p, i, parameter);
            if (!s0.IsAbsent) Set(s0, i, first);
            if (!s1.IsAbsent) Set(s1, i, second);
        }
    }
}
