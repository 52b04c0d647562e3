using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Mayfly;

/// <summary>
/// Collective operations that go on while the program computes: they are done one after the other, in the order in which they were
/// started, on a thread of their own. All of a rank's operations go through one queue, so that all ranks do the same in the same order.
/// </summary>
public sealed class CollectiveQueue : IDisposable
{
    private readonly BlockingCollection<Started> waiting = [];
    private readonly Thread thread;
    private Exception? failure;
    private long begun;

    /// <summary>A queue for these ranks, which stay the caller's.</summary>
    public CollectiveQueue(ICollectives ranks)
    {
        Ranks = ranks;
        thread = new Thread(Work) { IsBackground = true, Name = $"rank {ranks.Rank}" };
        thread.Start();
    }

    /// <summary>What does them.</summary>
    public ICollectives Ranks { get; }

    /// <summary>The time that was spent in operations.</summary>
    public TimeSpan Busy { get; private set; }

    /// <summary>The time that callers have waited for them: what is left of <see cref="Busy"/> was hidden behind their work.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>How long the operation takes so far that is being done; zero where none is.</summary>
    public TimeSpan Pending => Interlocked.Read(ref begun) is var start and > 0 ? Stopwatch.GetElapsedTime(start) : TimeSpan.Zero;

    /// <summary>Starts an operation. What it reads may not change before it is over.</summary>
    public Started Start(Action<ICollectives> operation)
    {
        var started = new Started(this, operation);
        waiting.Add(started);
        return started;
    }

    /// <summary>Does an operation, after those that were started before.</summary>
    /// <exception cref="RankLostException">Another rank has failed or died.</exception>
    public void Do(Action<ICollectives> operation) => Start(operation).Wait();

    /// <summary>Ends the thread when all is done that was started.</summary>
    public void Dispose()
    {
        waiting.CompleteAdding();
        thread.Join();
        waiting.Dispose();
    }

    private void Work()
    {
        foreach (var next in waiting.GetConsumingEnumerable())
        {
            long start = Stopwatch.GetTimestamp();
            Interlocked.Exchange(ref begun, start);
            try
            {
                if (failure is null) next.Run(Ranks);
            }
            catch (Exception e)
            {
                failure = e;
            }

            Interlocked.Exchange(ref begun, 0);
            Busy += Stopwatch.GetElapsedTime(start);
            next.End(failure);
        }
    }

    /// <summary>An operation that was started.</summary>
    public sealed class Started
    {
        private readonly CollectiveQueue queue;
        private readonly ManualResetEventSlim done = new();
        private Action<ICollectives>? operation;
        private Exception? error;

        internal Started(CollectiveQueue queue, Action<ICollectives> operation) => (this.queue, this.operation) = (queue, operation);

        /// <summary>Returns when it is over.</summary>
        /// <exception cref="RankLostException">Another rank has failed or died.</exception>
        public void Wait()
        {
            WaitQuietly();
            if (error is not null) ExceptionDispatchInfo.Throw(error);
        }

        /// <summary>Returns when it is over, whatever came of it.</summary>
        internal void WaitQuietly()
        {
            if (done.IsSet) return;
            long start = Stopwatch.GetTimestamp();
            done.Wait();
            queue.Waited += Stopwatch.GetElapsedTime(start);
        }

        internal void Run(ICollectives ranks) => operation!(ranks);

        internal void End(Exception? failure)
        {
            (error, operation) = (failure, null);
            done.Set();
        }
    }
}
