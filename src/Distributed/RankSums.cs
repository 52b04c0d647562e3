using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// Sums over all ranks, in one order: rank 0's number, plus rank 1's, and so on. They do not depend on who comes first, on how long a
/// vector is, or on what moves the bytes, and are the same bits on all ranks.
/// </summary>
public static class RankSums
{
    /// <summary>What is summed at a time, so that the work space is small.</summary>
    private const int PieceBytes = 1 << 20;

    /// <summary>Up to as many bytes it is faster to give all to all at once than to do it in two parts.</summary>
    private const int FewBytes = 1 << 12;

    /// <summary>Puts the sum in the place of each rank's values: to each rank its part of them, then the parts' sums to all.</summary>
    public static void AllReduce<T>(this ICollectives ranks, Span<T> values) where T : unmanaged, INumber<T>
    {
        for (; ranks.Ranks > 1 && values.Length > 0; values = values[Math.Min(Piece<T>(), values.Length)..])
        {
            var piece = values[..Math.Min(Piece<T>(), values.Length)];
            if (MemoryMarshal.AsBytes(piece).Length <= FewBytes) AllReduceFew(ranks, piece);
            else AllReducePiece(ranks, piece);
        }
    }

    /// <summary>Part r of the sum to rank r.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="from">As many equal parts as there are ranks.</param>
    /// <param name="own">Room for one part.</param>
    public static void ReduceScatter<T>(this ICollectives ranks, ReadOnlySpan<T> from, Span<T> own) where T : unmanaged, INumber<T>
    {
        using var received = new Rented<T>(from.Length);
        ranks.AllToAll(MemoryMarshal.AsBytes(from), MemoryMarshal.AsBytes(received.Span));
        AddUp(received.Span, own);
    }

    /// <summary>Puts the sum in the place of the values of one rank; those of the others stay.</summary>
    public static void Reduce<T>(this ICollectives ranks, Span<T> values, int root) where T : unmanaged, INumber<T>
    {
        using var all = new Rented<T>(ranks.Rank == root ? ranks.Ranks * Math.Min(values.Length, Piece<T>()) : 0);
        for (; ranks.Ranks > 1 && values.Length > 0; values = values[Math.Min(Piece<T>(), values.Length)..])
        {
            var piece = values[..Math.Min(Piece<T>(), values.Length)];
            var parts = ranks.Rank == root ? all.Span[..(ranks.Ranks * piece.Length)] : default;
            ranks.Gather(MemoryMarshal.AsBytes(piece), MemoryMarshal.AsBytes(parts), root);
            if (ranks.Rank == root) AddUp(parts, piece);
        }
    }

    private static int Piece<T>() where T : unmanaged => PieceBytes / Marshal.SizeOf<T>();

    private static void AllReduceFew<T>(ICollectives ranks, Span<T> values) where T : unmanaged, INumber<T>
    {
        using var all = new Rented<T>(ranks.Ranks * values.Length);
        ranks.AllGather(MemoryMarshal.AsBytes(values), MemoryMarshal.AsBytes(all.Span));
        AddUp(all.Span, values);
    }

    private static void AllReducePiece<T>(ICollectives ranks, Span<T> values) where T : unmanaged, INumber<T>
    {
        int part = (values.Length + ranks.Ranks - 1) / ranks.Ranks;
        using var all = new Rented<T>(ranks.Ranks * part);
        using var own = new Rented<T>(part);
        values.CopyTo(all.Span);
        all.Span[values.Length..].Clear();
        ranks.ReduceScatter<T>(all.Span, own.Span);
        ranks.AllGather(MemoryMarshal.AsBytes(own.Span), MemoryMarshal.AsBytes(all.Span));
        all.Span[..values.Length].CopyTo(values);
    }

    /// <summary>The sum of equal parts, the first one first.</summary>
    private static void AddUp<T>(ReadOnlySpan<T> parts, Span<T> sum) where T : unmanaged, INumber<T>
    {
        parts[..sum.Length].CopyTo(sum);
        for (int first = sum.Length; first < parts.Length; first += sum.Length) Add(parts.Slice(first, sum.Length), sum);
    }

    private static void Add<T>(ReadOnlySpan<T> x, Span<T> sum) where T : unmanaged, INumber<T>
    {
        int i = 0;
        for (; i <= sum.Length - Vector<T>.Count; i += Vector<T>.Count)
            (new Vector<T>(sum[i..]) + new Vector<T>(x[i..])).CopyTo(sum[i..]);
        for (; i < sum.Length; i++) sum[i] += x[i];
    }

    /// <summary>Work space.</summary>
    private readonly ref struct Rented<T>(int count)
    {
        private readonly T[] array = ArrayPool<T>.Shared.Rent(count);

        public Span<T> Span => array.AsSpan(0, count);

        public void Dispose() => ArrayPool<T>.Shared.Return(array);
    }
}
