using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>Ids by their bytes, found by a piece of a longer text without a copy of it.</summary>
internal sealed class BytesMap
{
    private readonly Dictionary<byte[], int> ids = new(Comparer.Instance);
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> lookup;

    public BytesMap() => lookup = ids.GetAlternateLookup<ReadOnlySpan<byte>>();

    public int Count => ids.Count;

    /// <summary>The most bytes of one.</summary>
    public int Longest { get; private set; }

    /// <summary>Adds one; false where the bytes have an id already, which stays.</summary>
    public bool Add(byte[] bytes, int id)
    {
        Longest = Math.Max(Longest, bytes.Length);
        return ids.TryAdd(bytes, id);
    }

    /// <summary>The id of bytes, or -1.</summary>
    public int Find(ReadOnlySpan<byte> bytes) => lookup.TryGetValue(bytes, out int id) ? id : -1;

    /// <summary>A hash that a bad file cannot drive into one bucket: its key differs from process to process.</summary>
    public static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = default(HashCode);
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes)) hash.Add(word);
        foreach (byte b in bytes[(bytes.Length & ~7)..]) hash.Add(b);
        return hash.ToHashCode();
    }

    public sealed class Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly Comparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] bytes) => Hash(bytes);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => Hash(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
