namespace Mayfly;

/// <summary>
/// A layout that the tensors of one shape have in common: a layout has 120 bytes, and a training step makes hundreds of tensors of a few shapes.
/// </summary>
internal sealed class SharedLayout(in Layout value)
{
    private const int Kept = 256;
    [ThreadStatic] private static SharedLayout?[]? dense;

    public readonly Layout Value = value;

    /// <summary>The dense layout of a shape; those used lately on this thread are kept.</summary>
    public static SharedLayout RowMajor(in Shape shape)
    {
        ref var kept = ref (dense ??= new SharedLayout?[Kept])[Place(shape)];
        if (kept is null || kept.Value.Shape != shape) kept = new SharedLayout(Layout.RowMajor(shape));
        return kept;
    }

    private static int Place(in Shape shape)
    {
        ulong mix = (ulong)shape.Rank;
        for (int i = 0; i < shape.Rank; i++) mix = (mix ^ (ulong)shape[i]) * 0x9E3779B97F4A7C15;
        return (int)(mix >> 56);
    }
}
