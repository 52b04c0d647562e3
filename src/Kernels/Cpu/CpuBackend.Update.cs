namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Update<TOp>(TOp op, in View g, in View p, in View s0, in View s1)
    {
        ReadOnlySpan<View> operands = [Flat(g), Flat(p), Flat(s0), Flat(s1)];
        if (s0.IsAbsent && s1.IsAbsent) Loop(new UpdateLoop<L, TOp, No, No>(op), operands);
        else if (s1.IsAbsent) Loop(new UpdateLoop<L, TOp, Yes, No>(op), operands);
        else if (s0.IsAbsent) Loop(new UpdateLoop<L, TOp, No, Yes>(op), operands);
        else Loop(new UpdateLoop<L, TOp, Yes, Yes>(op), operands);
    }

    private static View Flat(in View x) => x.IsAbsent ? x : x.With(new Layout(x.Count, 1, x.Layout.Offset));
}
