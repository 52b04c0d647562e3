namespace Mayfly.Tests;

public class WorkersTests
{
    private struct CountJob(int[] hits) : IJob
    {
        public readonly void Run(int chunk) => Interlocked.Increment(ref hits[chunk]);
    }

    private struct NestedJob(Workers workers, int[][] hits) : IJob
    {
        public readonly void Run(int chunk)
        {
            var inner = new CountJob(hits[chunk]);
            workers.Run(ref inner, hits[chunk].Length);
        }
    }

    private struct FailJob(int bad, Func<bool> onWorker) : IJob
    {
        public readonly void Run(int chunk)
        {
            if (bad < 0 ? onWorker() : chunk == bad) throw new InvalidOperationException("chunk failed");
        }
    }

    private struct SumJob(long[] parts) : IJob
    {
        public int Chunks;

        public void Run(int chunk)
        {
            Interlocked.Increment(ref Chunks);
            parts[chunk] = chunk;
        }
    }

    private static void RunOnce(Workers workers, int chunks)
    {
        int[] hits = new int[chunks];
        var job = new CountJob(hits);
        workers.Run(ref job, chunks);
        Assert.All(hits, n => Assert.Equal(1, n));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_chunk_runs_exactly_once(int threads)
    {
        using var workers = new Workers(threads);
        for (int i = 0; i < 3000; i++) RunOnce(workers, i % 37);
        RunOnce(workers, 100_000);
    }

    [Fact]
    public void Sleeping_threads_wake_for_the_next_job()
    {
        using var workers = new Workers(3);
        for (int i = 0; i < 40; i++)
        {
            RunOnce(workers, 64);
            Thread.Sleep(i % 3);
        }
    }

    [Fact]
    public void A_job_takes_more_than_one_thread()
    {
        using var workers = new Workers(2);
        using var bothInside = new Barrier(2);
        var job = new MeetJob(bothInside);
        workers.Run(ref job, 2);
        Assert.Equal(1, bothInside.CurrentPhaseNumber);
    }

    private struct MeetJob(Barrier barrier) : IJob
    {
        public readonly void Run(int chunk) => Assert.True(barrier.SignalAndWait(TimeSpan.FromSeconds(20)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Callers_on_several_threads_do_not_disturb_each_other(int threads)
    {
        using var workers = new Workers(threads);
        Exception? failure = null;
        var callers = Enumerable.Range(0, 4).Select(c => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 2000; i++) RunOnce(workers, 1 + (i + c) % 23);
            }
            catch (Exception e)
            {
                failure = e;
            }
        })).ToList();
        callers.ForEach(t => t.Start());
        callers.ForEach(t => t.Join());
        Assert.Null(failure);
    }

    [Fact]
    public void A_chunk_may_start_a_job_of_its_own()
    {
        using var workers = new Workers(3);
        for (int i = 0; i < 200; i++)
        {
            int[][] hits = Enumerable.Range(0, 9).Select(_ => new int[11]).ToArray();
            var job = new NestedJob(workers, hits);
            workers.Run(ref job, hits.Length);
            Assert.All(hits.SelectMany(h => h), n => Assert.Equal(1, n));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void An_exception_in_a_chunk_reaches_the_caller_and_the_threads_live_on(int threads)
    {
        using var workers = new Workers(threads);
        for (int i = 0; i < 100; i++)
        {
            var job = new FailJob(i % 16, () => false);
            Assert.Equal("chunk failed", Assert.Throws<InvalidOperationException>(() => workers.Run(ref job, 16)).Message);
            RunOnce(workers, 16);
        }
    }

    [Fact]
    public void An_exception_on_another_thread_reaches_the_caller()
    {
        using var workers = new Workers(2);
        int caller = Environment.CurrentManagedThreadId;
        using var other = new ManualResetEventSlim();
        var job = new FailJob(-1, () =>
        {
            if (Environment.CurrentManagedThreadId == caller) return !other.Wait(TimeSpan.FromSeconds(20));
            other.Set();
            return true;
        });
        Assert.Throws<InvalidOperationException>(() => workers.Run(ref job, 2));
        RunOnce(workers, 16);
    }

    [Fact]
    public void What_a_chunk_leaves_in_the_job_is_handed_back()
    {
        using var workers = new Workers(2);
        long[] parts = new long[1000];
        var job = new SumJob(parts);
        workers.Run(ref job, parts.Length);
        Assert.Equal(parts.Length, job.Chunks);
        Assert.Equal(499_500, parts.Sum());
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        using var workers = new Workers(2);
        int[] hits = new int[8];
        var job = new CountJob(hits);
        for (int i = 0; i < 100; i++) workers.Run(ref job, hits.Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) workers.Run(ref job, hits.Length);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Dispose_ends_the_threads_and_later_calls_are_refused()
    {
        var seen = new HashSet<Thread>();
        var workers = new Workers(3);
        for (int i = 0; i < 50; i++)
        {
            var job = new SeeJob(seen);
            workers.Run(ref job, 30);
        }

        workers.Dispose();
        workers.Dispose();
        Assert.All(seen.Where(t => t != Thread.CurrentThread), t => Assert.False(t.IsAlive));
        Assert.Throws<ObjectDisposedException>(() => RunOnce(workers, 4));
    }

    private struct SeeJob(HashSet<Thread> seen) : IJob
    {
        public readonly void Run(int chunk)
        {
            lock (seen) seen.Add(Thread.CurrentThread);
        }
    }

    [Fact]
    public void Zero_threads_are_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => new Workers(0));
}
