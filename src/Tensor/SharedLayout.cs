namespace Mayfly;

/// <summary>
/// A layout that the tensors of one shape have in common: a layout has 120 bytes, and a training step makes hundreds of tensors of a few
/// shapes.
/// </summary>
internal sealed class SharedLayout(in Layout value)
{
    private const int Kept = 512; // in pairs: two shapes of a step often fall on one place, three hardly ever
    [ThreadStatic] private static SharedLayout?[]? dense;

    public readonly Layout Value = value;

    /// <summary>The dense layout of a shape; those used lately on this thread are kept.</summary>
    public static SharedLayout RowMajor(in Shape shape)
    {
        var pair = (dense ??= new SharedLayout?[Kept]).AsSpan(2 * Place(shape), 2);
        if (pair[0] is { } first && first.Value.Shape == shape) return first;
        if (pair[1] is { } second && second.Value.Shape == shape) return second;
        pair[1] = pair[0];
        return pair[0] = new SharedLayout(Layout.RowMajor(shape));
    }

    private static int Place(in Shape shape)
    {
        ulong mix = (ulong)shape.Rank;
        for (int i = 0; i < shape.Rank; i++) mix = (mix ^ (ulong)shape[i]) * 0x9E3779B97F4A7C15;
        return (int)(mix >> 56);
    }
}
