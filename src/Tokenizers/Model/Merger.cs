namespace Mayfly;

/// <summary>
/// Byte-pair encoding's loop: of all neighbours the pair of the lowest rank becomes one, the leftmost of equals first, until no pair is
/// left (Sennrich, Haddow and Birch 2016).
/// </summary>
internal static class Merger
{
    /// <summary>Up to this length a scan of all pairs beats a heap.</summary>
    private const int Short = 96;

    /// <summary>Merges in place.</summary>
    /// <returns>The number of ids that are left, at the front.</returns>
    public static int Merge(Span<int> ids, PairTable pairs) =>
        ids.Length < 2 ? ids.Length : ids.Length <= Short ? Scan(ids, pairs) : Heap(ids, pairs);

    private static int Scan(Span<int> ids, PairTable pairs)
    {
        Span<ulong> found = stackalloc ulong[Short];
        for (int i = 0; i + 1 < ids.Length; i++) found[i] = pairs.Find(ids[i], ids[i + 1]);
        int count = ids.Length;
        while (Lowest(found[..(count - 1)]) is var at and >= 0)
        {
            ids[at] = (int)(uint)found[at];
            ids[(at + 2)..count].CopyTo(ids[(at + 1)..]);
            found[(at + 1)..(count - 1)].CopyTo(found[at..]);
            count--;
            if (at > 0) found[at - 1] = pairs.Find(ids[at - 1], ids[at]);
            if (at + 1 < count) found[at] = pairs.Find(ids[at], ids[at + 1]);
        }

        return count;
    }

    private static int Lowest(ReadOnlySpan<ulong> found)
    {
        int best = -1;
        uint lowest = uint.MaxValue; // the rank of no pair
        for (int i = 0; i < found.Length; i++)
        {
            uint rank = (uint)(found[i] >> 32);
            if (rank < lowest) (best, lowest) = (i, rank);
        }

        return best;
    }

    /// <summary>The same in n log n: a list whose items know their neighbours, and a heap of pairs of which some are stale.</summary>
    private static int Heap(Span<int> ids, PairTable pairs)
    {
        var links = new (int Before, int After)[ids.Length];
        var heap = new PriorityQueue<(int At, int Left, int Right, int Id), ulong>();
        for (int i = 0; i < links.Length; i++) links[i] = (i - 1, i + 1);
        for (int i = 0; i + 1 < ids.Length; i++) Push(heap, pairs, ids, i, i + 1);
        while (heap.TryDequeue(out var pair, out _))
        {
            int at = pair.At, next = links[at].After;
            if (ids[at] != pair.Left || next >= ids.Length || ids[next] != pair.Right) continue;
            (ids[at], ids[next]) = (pair.Id, -1);
            links[at].After = links[next].After;
            if (links[at].After < ids.Length) links[links[at].After].Before = at;
            if (links[at].Before >= 0) Push(heap, pairs, ids, links[at].Before, at);
            if (links[at].After < ids.Length) Push(heap, pairs, ids, at, links[at].After);
        }

        return Compact(ids);
    }

    private static void Push(
        PriorityQueue<(int At, int Left, int Right, int Id), ulong> heap, PairTable pairs, Span<int> ids, int at, int next)
    {
        ulong found = pairs.Find(ids[at], ids[next]);
        if (found != PairTable.None) heap.Enqueue((at, ids[at], ids[next], (int)(uint)found), (found >> 32 << 32) | (uint)at);
    }

    private static int Compact(Span<int> ids)
    {
        int count = 0;
        foreach (int id in ids)
            if (id != -1) ids[count++] = id;
        return count;
    }
}
