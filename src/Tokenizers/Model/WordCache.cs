using System.Buffers.Binary;

namespace Mayfly;

/// <summary>
/// Remembers the ids of short pieces: natural text has the same words again and again. A newer piece takes the place of an older one.
/// </summary>
internal sealed class WordCache
{
    private const int Slots = 1 << 15, MostBytes = 16, MostIds = 4;
    private readonly Key[] keys = new Key[Slots];
    private readonly int[] ids = new int[Slots * MostIds];

    /// <summary>Adds the ids of a piece, from memory or from the model.</summary>
    public void Encode(IWordModel model, ReadOnlySpan<byte> piece, List<int> found)
    {
        if (piece.Length is 0 or > MostBytes)
        {
            model.Encode(piece, found);
            return;
        }

        var (low, high) = Pack(piece);
        int slot = (int)(((low ^ (high * 0xC2B2AE3D27D4EB4FUL) ^ (uint)piece.Length) * 0x9E3779B97F4A7C15UL) >> (64 - 15));
        ref var key = ref keys[slot];
        if (key.Low == low && key.High == high && key.Length == piece.Length) found.AddRange(ids.AsSpan(slot * MostIds, key.Count));
        else Fill(ref key, slot, model, piece, found);
    }

    private void Fill(ref Key key, int slot, IWordModel model, ReadOnlySpan<byte> piece, List<int> found)
    {
        int before = found.Count;
        model.Encode(piece, found);
        int count = found.Count - before;
        if (count > MostIds) return;
        var (low, high) = Pack(piece);
        key = new Key(low, high, (byte)piece.Length, (byte)count);
        for (int i = 0; i < count; i++) ids[slot * MostIds + i] = found[before + i];
    }

    /// <summary>A piece as two numbers, zeros behind it.</summary>
    private static (ulong Low, ulong High) Pack(ReadOnlySpan<byte> piece)
    {
        Span<byte> padded = stackalloc byte[MostBytes];
        padded.Clear();
        piece.CopyTo(padded);
        return (BinaryPrimitives.ReadUInt64LittleEndian(padded), BinaryPrimitives.ReadUInt64LittleEndian(padded[8..]));
    }

    private readonly record struct Key(ulong Low, ulong High, byte Length, byte Count);
}
