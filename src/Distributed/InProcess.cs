namespace Mayfly;

/// <summary>
/// Ranks that are threads of one process: each has a device, a model and an updater of its own. For tests, and to see what a run on many
/// machines would do.
/// <code>
/// InProcess.Run(2, ranks => Train(ranks));
/// </code>
/// </summary>
public sealed unsafe class InProcess : ICollectives
{
    private readonly Board board;

    private InProcess(Board board, int rank) => (this.board, Rank) = (board, rank);

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Ranks => board.Places.Length;

    /// <inheritdoc/>
    public string Name => "threads of one process";

    /// <summary>Runs a function on as many threads, each a rank.</summary>
    /// <exception cref="AggregateException">Some ranks failed; those that only lost another one are not named.</exception>
    public static void Run(int ranks, Action<ICollectives> body)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        using var board = new Board(ranks);
        var failures = new Exception?[ranks];
        var threads = Array.ConvertAll(Enumerable.Range(0, ranks).ToArray(), rank => new Thread(() => Try(rank)));
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        var real = failures.OfType<Exception>().OrderBy(e => e is RankLostException).ToList();
        if (real.Count > 0) throw new AggregateException(real.Where(e => real[0] is RankLostException || e is not RankLostException));

        void Try(int rank)
        {
            using var own = new InProcess(board, rank);
            try
            {
                body(own);
            }
            catch (Exception e)
            {
                failures[rank] = e;
                own.Abort(e.Message);
            }
        }
    }

    /// <inheritdoc/>
    public void AllToAll(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int part = from.Length / Ranks;
        fixed (byte* mine = from)
        {
            Show(mine, from.Length);
            for (int r = 0; r < Ranks; r++) Of(r, Rank * part, part).CopyTo(to.Slice(r * part, part));
            board.Meet();
        }
    }

    /// <inheritdoc/>
    public void AllGather(ReadOnlySpan<byte> own, Span<byte> all)
    {
        fixed (byte* mine = own)
        {
            Show(mine, own.Length);
            for (int r = 0; r < Ranks; r++) Of(r, 0, own.Length).CopyTo(all.Slice(r * own.Length, own.Length));
            board.Meet();
        }
    }

    /// <inheritdoc/>
    public void Gather(ReadOnlySpan<byte> own, Span<byte> all, int root)
    {
        fixed (byte* mine = own)
        {
            Show(mine, own.Length);
            for (int r = 0; r < Ranks && Rank == root; r++) Of(r, 0, own.Length).CopyTo(all.Slice(r * own.Length, own.Length));
            board.Meet();
        }
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes, int root)
    {
        fixed (byte* mine = bytes)
        {
            Show(mine, bytes.Length);
            if (Rank != root) Of(root, 0, bytes.Length).CopyTo(bytes);
            board.Meet();
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        Show(null, 0);
        board.Meet();
    }

    /// <inheritdoc/>
    public void Abort(string why) => board.End($"rank {Rank}: {why}");

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>Shows all others a piece of memory, and waits for theirs. Before the memory may move the caller meets them again.</summary>
    private void Show(byte* bytes, int length)
    {
        board.Places[Rank] = ((nint)bytes, length);
        board.Meet();
        foreach (var (_, other) in board.Places)
            if (other != length) throw new InvalidOperationException($"The ranks do not do the same: {length} bytes and {other}.");
    }

    private ReadOnlySpan<byte> Of(int rank, int first, int count) => new((byte*)board.Places[rank].Bytes + first, count);

    /// <summary>Where the ranks meet.</summary>
    private sealed class Board(int ranks) : IDisposable
    {
        private readonly Barrier barrier = new(ranks);
        private readonly CancellationTokenSource ended = new();
        private volatile string? why;

        public (nint Bytes, int Length)[] Places { get; } = new (nint, int)[ranks];

        public void Meet()
        {
            try
            {
                barrier.SignalAndWait(ended.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new RankLostException(why!, e);
            }
        }

        public void End(string reason)
        {
            Interlocked.CompareExchange(ref why, reason, null);
            ended.Cancel();
        }

        public void Dispose()
        {
            barrier.Dispose();
            ended.Dispose();
        }
    }
}
