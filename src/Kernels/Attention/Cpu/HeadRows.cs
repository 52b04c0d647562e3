namespace Mayfly;

/// <summary>Where the rows of a (batch, time, heads, size) view lie.</summary>
internal readonly unsafe struct HeadRows
{
    private readonly float* start;
    private readonly nint batch, head;

    /// <summary>From one time step to the next.</summary>
    public readonly nint Step;

    public HeadRows(in View view)
    {
        start = view.Floats();
        if (view.IsAbsent) return;
        var strides = view.Layout.Strides;
        (batch, Step, head) = ((nint)strides[0], (nint)strides[1], (nint)strides[2]);
    }

    /// <summary>The row of time step <paramref name="t"/> of a head.</summary>
    public float* At(int b, int h, int t = 0) => start + b * batch + h * head + t * Step;
}
