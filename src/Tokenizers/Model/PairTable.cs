namespace Mayfly;

/// <summary>What two neighbours become, by both ids: the rank of the merge, where lower comes first, and the id that it gives.</summary>
internal sealed class PairTable
{
    /// <summary>No merge; above every one.</summary>
    public const ulong None = ulong.MaxValue;

    private ulong[] keys = [], values = [];
    private int shift = 64;

    /// <summary>The number of pairs.</summary>
    public int Count { get; private set; }

    /// <summary>All pairs.</summary>
    public IEnumerable<(int Left, int Right, int Rank, int Id)> All
    {
        get
        {
            for (int i = 0; i < keys.Length; i++)
                if (values[i] != None)
                    yield return ((int)(keys[i] >> 32), (int)(uint)keys[i], (int)(values[i] >> 32), (int)(uint)values[i]);
        }
    }

    /// <summary>Adds a pair; one that is known keeps the rank it has.</summary>
    public void Add(int left, int right, int rank, int id)
    {
        if (2 * (Count + 1) > keys.Length) Grow();
        ulong key = Key(left, right);
        int slot = Slot(key);
        if (values[slot] != None) return;
        (keys[slot], values[slot]) = (key, ((ulong)(uint)rank << 32) | (uint)id);
        Count++;
    }

    /// <summary>The rank of a pair in the upper and the id in the lower 32 bits, or <see cref="None"/>.</summary>
    public ulong Find(int left, int right) => keys.Length == 0 ? None : values[Slot(Key(left, right))];

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private int Slot(ulong key)
    {
        int mask = keys.Length - 1, slot = (int)((key * 0x9E3779B97F4A7C15UL) >> shift);
        while (values[slot] != None && keys[slot] != key) slot = (slot + 1) & mask;
        return slot;
    }

    private void Grow()
    {
        var (oldKeys, oldValues) = (keys, values);
        int size = Math.Max(256, keys.Length * 2);
        (keys, values) = (new ulong[size], new ulong[size]);
        Array.Fill(values, None);
        shift = 64 - int.Log2(size);
        for (int i = 0; i < oldKeys.Length; i++)
        {
            if (oldValues[i] == None) continue;
            int slot = Slot(oldKeys[i]);
            (keys[slot], values[slot]) = (oldKeys[i], oldValues[i]);
        }
    }
}
