namespace Mayfly;

/// <summary>A block of which pieces are handed out at planned places, each only where nobody else is.</summary>
internal sealed class Slab(Backend backend, Block whole)
{
    private readonly List<(long Offset, long End)> used = []; // by offset
    private readonly Dictionary<(long Offset, long Bytes), Block> pieces = []; // each is handed out again and again

    public Block Whole => whole;

    /// <summary>True where no piece is in use.</summary>
    public bool IsFree => used.Count == 0;

    /// <summary>The piece at a place; null where another one is in it.</summary>
    public Block? TryTake(long offset, long bytes)
    {
        long end = offset + Math.Max(1, bytes);
        int at = First(offset);
        if (at > 0 && used[at - 1].End > offset || at < used.Count && used[at].Offset < end) return null;
        used.Insert(at, (offset, end));
        if (!pieces.TryGetValue((offset, bytes), out var piece)) pieces[(offset, bytes)] = piece = Make(offset, bytes);
        return piece;
    }

    private Block Make(long offset, long bytes)
    {
        var piece = backend.Part(whole, offset, bytes);
        (piece.Offset, piece.Touched) = (offset, bytes); // touched with the block
        return piece;
    }

    /// <summary>Takes a piece back.</summary>
    public void Return(Block piece) => used.RemoveAt(First(piece.Offset));

    /// <summary>The number of pieces before an offset.</summary>
    private int First(long offset)
    {
        int low = 0, high = used.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (used[middle].Offset < offset) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
