namespace Mayfly;

/// <summary>A run of one process.</summary>
public sealed class SingleProcess : ICollectives
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Ranks => 1;

    /// <inheritdoc/>
    public string Name => "one process";

    /// <inheritdoc/>
    public void AllToAll(ReadOnlySpan<byte> from, Span<byte> to) => from.CopyTo(to);

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> own, Span<byte> all) => own.CopyTo(all);

    /// <inheritdoc/>
    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, int root) => own.CopyTo(all);

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes, int root)
    {
    }

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Abort(string why)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
