namespace Mayfly;

/// <summary>Cuts a dense view into vectors of at most <see cref="SafeTensors.ChunkBytes"/> bytes.</summary>
internal static class TensorPieces
{
    public static IEnumerable<View> Of(View dense)
    {
        long size = SafeTensors.ChunkBytes / 8, count = dense.Count;
        for (long i = 0; i < count; i += size)
            yield return dense.With(new Layout(Math.Min(size, count - i), 1, dense.Layout.Offset + i));
    }
}
