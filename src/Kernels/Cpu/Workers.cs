using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Mayfly;

/// <summary>A piece of parallel work: chunk numbers are handed out to whoever is free; which thread runs a chunk must not matter.</summary>
public interface IJob
{
    /// <summary>Does chunk <paramref name="chunk"/>.</summary>
    void Run(int chunk);
}

/// <summary>
/// A fixed set of threads that share out the chunks of one job at a time. The threads start with the first parallel job. A caller that
/// finds the set busy, or calls from inside a chunk, runs its chunks itself.
/// </summary>
internal sealed unsafe class Workers : IDisposable
{
    private const long SpinMicroseconds = 50;
    private const int Open = 1;
    private const int OneWorker = 2;

    private readonly Thread?[] helpers;
    private readonly object gate = new();

    // The job on offer. Written only by the owner of the set while no worker is inside.
    private delegate*<void*, int, void> run;
    private void* job;
    private long chunks;
    private long next;
    private ExceptionDispatchInfo? failure;

    // Bit 0: a job is on offer. The rest: how many workers are inside. A worker enters by a compare-exchange that needs bit 0, so nobody
    // can enter a withdrawn job, and the fields above stand still as long as somebody is inside.
    private int state;
    private int owned;
    private int sleepers;
    private volatile bool stopping;

    /// <summary>A set of <paramref name="threads"/> threads, the caller's included.</summary>
    public Workers(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        helpers = new Thread?[threads - 1];
    }

    /// <summary>Threads that compute, the caller included.</summary>
    public int Threads => helpers.Length + 1;

    /// <summary>
    /// Runs all chunks and returns when they are done; an exception in a chunk is thrown here, and chunks not yet begun are left out.
    /// </summary>
    public void Run<TJob>(ref TJob job, int chunks) where TJob : struct, IJob
    {
        ObjectDisposedException.ThrowIf(stopping, this);
        if (chunks <= 1 || helpers.Length == 0 || Interlocked.CompareExchange(ref owned, 1, 0) != 0)
        {
            for (int i = 0; i < chunks; i++) job.Run(i);
            return;
        }

        var local = job; // on this stack whatever the caller's reference points to, so that its address holds
        try
        {
            Start();
            Share(&RunChunk<TJob>, Unsafe.AsPointer(ref local), chunks);
        }
        finally
        {
            job = local;
            Volatile.Write(ref owned, 0);
        }
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        stopping = true;
        lock (gate) Monitor.PulseAll(gate);
        foreach (var helper in helpers) helper?.Join();
    }

    private static void RunChunk<TJob>(void* job, int chunk) where TJob : struct, IJob => Unsafe.AsRef<TJob>(job).Run(chunk);

    private void Start()
    {
        for (int i = 0; i < helpers.Length; i++)
        {
            if (helpers[i] is not null) continue;
            var thread = new Thread(Serve) { IsBackground = true, Name = "Mayfly worker" };
            thread.Start();
            helpers[i] = thread;
        }
    }

    private void Share(delegate*<void*, int, void> run, void* job, int chunks)
    {
        this.run = run;
        this.job = job;
        this.chunks = chunks;
        failure = null;
        Volatile.Write(ref next, 0);
        Interlocked.Exchange(ref state, Open);
        if (Volatile.Read(ref sleepers) > 0)
            lock (gate) Monitor.PulseAll(gate);

        TakeChunks();
        Interlocked.And(ref state, ~Open);
        for (int spins = 0; Volatile.Read(ref state) != 0; spins++)
        {
            Thread.SpinWait(1);
            if (spins > 1000) Thread.Yield();
        }

        this.job = null;
        failure?.Throw();
    }

    private void TakeChunks()
    {
        try
        {
            for (long chunk; (chunk = Interlocked.Increment(ref next) - 1) < chunks;) run(job, (int)chunk);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(e), null);
            Interlocked.Exchange(ref next, chunks);
        }
    }

    private void Serve()
    {
        while (!stopping)
        {
            if (TryEnter())
            {
                TakeChunks();
                Interlocked.Add(ref state, -OneWorker);
            }
            else if (!SpinForOffer())
            {
                Sleep();
            }
        }
    }

    private bool Offered => (Volatile.Read(ref state) & Open) != 0 && Volatile.Read(ref next) < Volatile.Read(ref chunks);

    private bool TryEnter()
    {
        int seen = Volatile.Read(ref state);
        return Offered && (seen & Open) != 0 && Interlocked.CompareExchange(ref state, seen + OneWorker, seen) == seen;
    }

    private bool SpinForOffer()
    {
        long end = Stopwatch.GetTimestamp() + Stopwatch.Frequency * SpinMicroseconds / 1_000_000;
        while (!Offered)
        {
            Thread.SpinWait(1);
            if (stopping || Stopwatch.GetTimestamp() > end) return false;
        }

        return true;
    }

    private void Sleep()
    {
        lock (gate)
        {
            // The full fence pairs with the one in Share: either this thread sees the offer or the caller sees a sleeper and wakes it.
            Interlocked.Increment(ref sleepers);
            while (!Offered && !stopping) Monitor.Wait(gate);
            Interlocked.Decrement(ref sleepers);
        }
    }
}
