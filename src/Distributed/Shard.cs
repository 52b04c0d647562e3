namespace Mayfly;

/// <summary>A weight, or a tensor of state, that one rank has and others only while they use it.</summary>
internal sealed class Shard(Shards shards, long bytes, Use use, int number, int owner, string name) : Lent(bytes)
{
    /// <summary>The number of the weight, in the order in which they were made; of state that of its weight.</summary>
    public int Number => number;

    /// <summary>The rank that has it.</summary>
    public int Owner => owner;

    /// <summary>What the memory is for.</summary>
    public Use Kind => use;

    /// <summary>What it is, for messages.</summary>
    public string Name => name;

    /// <summary>The memory that it is in here, or null.</summary>
    public Block? Buffer { get; set; }

    /// <summary>What sends it or brings it and may not be over yet.</summary>
    public CollectiveQueue.Started? Coming { get; set; }

    /// <summary>When it was last used: what is used in one stretch stays until its end.</summary>
    public long Stretch { get; set; } = -1;

    /// <summary>True where it was brought for a use that has not come.</summary>
    public bool IsExpected { get; set; }

    /// <inheritdoc/>
    public override Block Use(bool writes) => shards.Fetch(this, writes);

    /// <inheritdoc/>
    public override void Settle() => shards.Settle();

    /// <inheritdoc/>
    public override void Free() => shards.Remove(this);
}
