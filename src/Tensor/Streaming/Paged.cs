namespace Mayfly;

/// <summary>
/// What a tensor has in place of a block of memory while it lives in a file: its place there, and a buffer while it is used.
/// </summary>
internal sealed class Paged(Residency residency, long bytes, long place, string name) : Lent(bytes)
{
    /// <summary>Where it begins in the file.</summary>
    public long Place { get; } = place;

    /// <summary>What it is, for messages.</summary>
    public string Name { get; } = name;

    /// <summary>The memory that has it now, or null.</summary>
    public Block? Buffer { get; set; }

    /// <summary>True once it has been written to the file: before that there is nothing to read.</summary>
    public bool IsStored { get; set; }

    /// <summary>True where the buffer was changed since it was last read or given to be written.</summary>
    public bool IsDirty { get; set; }

    /// <summary>What is read into the buffer or written from it and may not be done yet.</summary>
    public Transfer? Transfer { get; set; }

    /// <summary>When it was last used: what is used in one stretch stays until its end.</summary>
    public long Stretch { get; set; } = -1;

    /// <summary>The number of its last use or expected use.</summary>
    public long LastUse { get; set; }

    /// <summary>True where it is here for a use that is expected and has not come.</summary>
    public bool IsExpected { get; set; }

    /// <inheritdoc/>
    public override Block Use(bool writes) => residency.Fetch(this, writes);

    /// <inheritdoc/>
    public override void Settle() => residency.Settle();

    /// <inheritdoc/>
    public override void Free() => residency.Remove(this);
}
