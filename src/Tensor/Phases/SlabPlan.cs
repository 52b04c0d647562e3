namespace Mayfly;

/// <summary>
/// Where each piece of memory that a phase takes and gives back lies in one block: the largest first, each in the least gap between those
/// that are alive at the same time (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020, greedy by size).
/// </summary>
internal sealed class SlabPlan
{
    /// <summary>The event of giving back what was taken before the phase.</summary>
    public const long Foreign = long.MinValue;

    /// <summary>Lies outside of the block: it outlives the phase, or is not planned.</summary>
    public const long Outside = -1;

    private const int MostPieces = 1 << 15;

    private SlabPlan(long[] events, (long Bytes, long Offset)[] taken, long bytes) => (Events, Taken, Bytes) = (events, taken, bytes);

    /// <summary>The phase that it was made for.</summary>
    public long[] Events { get; }

    /// <summary>What it takes, in order, and where that lies, or <see cref="Outside"/>.</summary>
    public (long Bytes, long Offset)[] Taken { get; }

    /// <summary>The bytes of the block.</summary>
    public long Bytes { get; }

    /// <summary>Plans a phase; null where it takes nothing that it gives back, or too many pieces.</summary>
    /// <param name="events">
    /// In order, the bytes of what it takes, and ~n where it gives the piece back that it took as n-th, or <see cref="Foreign"/>.
    /// </param>
    public static SlabPlan? Of(long[] events)
    {
        var (pieces, taken) = (new List<Piece>(), new List<Piece>());
        for (int i = 0; i < events.Length; i++)
            if (events[i] >= 0) taken.Add(new Piece(i, events[i]));
            else if (events[i] != Foreign) pieces.Add(taken[(int)~events[i]].GivenBack(i));
        if (pieces.Count is 0 or > MostPieces) return null;
        long bytes = Place(pieces);
        return new SlabPlan(events, [.. taken.Select(piece => (piece.Bytes, piece.Offset))], bytes);
    }

    private static long Place(List<Piece> pieces)
    {
        long bytes = 0;
        var placed = new List<Piece>(); // by offset
        foreach (var piece in pieces.OrderByDescending(piece => piece.Size).ThenBy(piece => piece.First))
        {
            piece.Offset = Gap(placed, piece);
            bytes = Math.Max(bytes, piece.End);
            int at = placed.FindIndex(other => other.Offset > piece.Offset);
            placed.Insert(at < 0 ? placed.Count : at, piece);
        }

        return bytes;
    }

    private static long Gap(List<Piece> placed, Piece piece)
    {
        long best = Outside, least = long.MaxValue, free = 0;
        foreach (var other in placed)
        {
            if (other.Last < piece.First || piece.Last < other.First) continue;
            if (other.Offset - free is var gap && gap >= piece.Size && gap < least) (best, least) = (free, gap);
            free = Math.Max(free, other.End);
        }

        return best == Outside ? free : best;
    }

    private sealed class Piece(int first, long bytes)
    {
        public int First => first;

        public int Last { get; private set; }

        public long Bytes => bytes;

        /// <summary>The bytes of whole cache lines.</summary>
        public long Size => Math.Max(64, (bytes + 63) / 64 * 64);

        public long Offset { get; set; } = Outside;

        public long End => Offset + Size;

        public Piece GivenBack(int at)
        {
            Last = at;
            return this;
        }
    }
}
