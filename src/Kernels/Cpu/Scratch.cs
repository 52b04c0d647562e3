namespace Mayfly;

/// <summary>Working memory of kernels that is kept from call to call. A second caller at the same time gets a piece of its own.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private HostBlock? kept;

    /// <summary>Hands out at least <paramref name="bytes"/> uninitialised bytes; give them back by <see cref="Return"/>.</summary>
    public HostBlock Rent(long bytes)
    {
        var block = Interlocked.Exchange(ref kept, null);
        if (block is not null && block.Bytes >= bytes) return block;
        if (block is not null) HostMemory.Free(block);
        return HostMemory.Allocate(bytes);
    }

    /// <summary>Keeps the block for the next call.</summary>
    public void Return(HostBlock block)
    {
        var other = Interlocked.Exchange(ref kept, block);
        if (other is not null) HostMemory.Free(other);
    }

    public void Dispose()
    {
        var block = Interlocked.Exchange(ref kept, null);
        if (block is not null) HostMemory.Free(block);
    }
}
