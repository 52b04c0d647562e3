namespace Mayfly;

/// <summary>A piece of parallel work: chunk numbers are handed out to whoever is free; which thread runs a chunk must not matter.</summary>
internal interface IJob
{
    /// <summary>Does chunk <paramref name="chunk"/>.</summary>
    void Run(int chunk);
}

/// <summary>A fixed set of threads that share out the chunks of one job at a time.</summary>
internal sealed class Workers(int threads) : IDisposable
{
    /// <summary>Threads that compute, the caller included.</summary>
    public int Threads { get; } = threads;

    /// <summary>Runs all chunks and returns when they are done.</summary>
    public void Run<TJob>(ref TJob job, int chunks) where TJob : struct, IJob
    {
        for (int i = 0; i < chunks; i++) job.Run(i);
    }

    public void Dispose()
    {
    }
}
