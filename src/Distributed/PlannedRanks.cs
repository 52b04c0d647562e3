namespace Mayfly;

/// <summary>Ranks that are not there: nothing is sent, and what comes is zeros. For steps on a device that counts only.</summary>
/// <param name="rank">This one's number.</param>
/// <param name="ranks">How many there would be.</param>
public sealed class PlannedRanks(int rank, int ranks) : ICollectives
{
    /// <inheritdoc/>
    public int Rank => rank;

    /// <inheritdoc/>
    public int Ranks => ranks;

    /// <inheritdoc/>
    public string Name => "a plan";

    /// <inheritdoc/>
    public void AllToAll(ReadOnlySpan<byte> from, Span<byte> to) => to.Clear();

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> own, Span<byte> all) => all.Clear();

    /// <inheritdoc/>
    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, int root) => all.Clear();

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
