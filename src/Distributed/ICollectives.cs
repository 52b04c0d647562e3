namespace Mayfly;

/// <summary>
/// What the processes of one run do together. Each is a rank, from 0; all of them call the same operations in the same order, from one
/// thread at a time, and each returns when its part is done. Here bytes move only: what adds numbers up is in <see cref="RankSums"/>, in
/// one order, whatever moves them.
/// </summary>
public interface ICollectives : IDisposable
{
    /// <summary>This one's number, from 0.</summary>
    int Rank { get; }

    /// <summary>How many there are.</summary>
    int Ranks { get; }

    /// <summary>What moves the bytes, for people.</summary>
    string Name { get; }

    /// <summary>Gives rank r part r of <paramref name="from"/>; part r of <paramref name="to"/> is what came from rank r.</summary>
    /// <param name="from">As many equal parts as there are ranks.</param>
    /// <param name="to">Of the same length.</param>
    void AllToAll(ReadOnlySpan<byte> from, Span<byte> to);

    /// <summary>Gives all ranks what each has.</summary>
    /// <param name="own">Of one length on all ranks.</param>
    /// <param name="all">Room for as many as there are ranks, in their order.</param>
    void AllGather(ReadOnlySpan<byte> own, Span<byte> all);

    /// <summary>Gives one rank what each has.</summary>
    /// <param name="own">Of one length on all ranks.</param>
    /// <param name="all">Room for as many as there are ranks, on <paramref name="root"/>; empty on the others.</param>
    /// <param name="root">Who gets them.</param>
    void Gather(ReadOnlySpan<byte> own, Span<byte> all, int root);

    /// <summary>Gives all ranks what one has.</summary>
    /// <param name="bytes">What to send, or room for it; of one length on all ranks.</param>
    /// <param name="root">Who has it.</param>
    void Broadcast(Span<byte> bytes, int root);

    /// <summary>Returns when all ranks have called it.</summary>
    void Barrier();

    /// <summary>Ends all ranks, as this one cannot go on: what they wait for fails.</summary>
    /// <param name="why">One line.</param>
    void Abort(string why);
}

/// <summary>Another rank has failed or died, so that this one cannot go on.</summary>
public sealed class RankLostException(string message, Exception? cause = null) : InputException(message, cause);
