namespace Mayfly;

/// <summary>
/// Working memory of kernels that is kept from call to call: as many pieces as threads ever worked at once. Safe for concurrent callers.
/// </summary>
internal sealed unsafe class Workspace : IDisposable
{
    private readonly HostBlock?[] kept = new HostBlock?[64];

    /// <summary>Hands out at least <paramref name="bytes"/> uninitialised bytes; give them back by <see cref="Return"/>.</summary>
    public HostBlock Rent(long bytes)
    {
        var block = Take();
        if (block is not null && block.Bytes >= bytes) return block;
        if (block is not null) HostMemory.Free(block);
        return HostMemory.Allocate(bytes);
    }

    /// <summary>Keeps the block for the next call.</summary>
    public void Return(HostBlock block)
    {
        for (int i = 0; i < kept.Length; i++)
            if (Interlocked.CompareExchange(ref kept[i], block, null) is null) return;
        HostMemory.Free(block);
    }

    public void Dispose()
    {
        while (Take() is { } block) HostMemory.Free(block);
    }

    private HostBlock? Take()
    {
        for (int i = 0; i < kept.Length; i++)
            if (Volatile.Read(ref kept[i]) is not null && Interlocked.Exchange(ref kept[i], null) is { } block) return block;
        return null;
    }
}
