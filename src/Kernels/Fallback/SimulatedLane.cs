namespace ILGPU.Runtime;

/// <summary>What a lane is doing.</summary>
internal enum LaneState
{
    New,
    Running,
    AtGroup,
    AtWarp,
    Free,
    Ended,
}

/// <summary>One lane of a simulated group.</summary>
internal sealed class SimulatedLane(SimulatedGroup group, int index, Index3D place)
{
    private int allocations;

    /// <summary>The lane that this thread runs.</summary>
    [field: ThreadStatic]
    public static SimulatedLane? Current { get; set; }

    /// <summary>The lane that this thread runs, in a kernel.</summary>
    public static SimulatedLane Here => Current ?? throw new NotSupportedException("Group, Grid, Warp and SharedMemory exist only in a kernel.");

    public SimulatedGroup Group { get; } = group;

    public int Index { get; } = index;

    public Index3D Place { get; } = place;

    public LaneState State { get; set; }

    public SemaphoreSlim Turn { get; } = new(0);

    /// <summary>Which of the two exchange slots is next.</summary>
    public int Phase { get; set; }

    public int NextAllocation() => allocations++;

    public void Reset()
    {
        State = LaneState.New;
        allocations = 0;
        Phase = 0;
    }
}

/// <summary>A thread that runs lanes; threads without work wait for the next launch.</summary>
internal sealed class Carrier
{
    private static readonly System.Collections.Concurrent.ConcurrentStack<Carrier> idle = new();
    private readonly SemaphoreSlim wake = new(0);
    private Action work;

    private Carrier(Action work)
    {
        this.work = work;
        new Thread(Loop, 512 * 1024) { IsBackground = true, Name = "simulated lanes" }.Start();
    }

    public static void Run(Action work)
    {
        if (!idle.TryPop(out var carrier))
        {
            _ = new Carrier(work);
            return;
        }

        carrier.work = work;
        carrier.wake.Release();
    }

    private void Loop()
    {
        while (true)
        {
            work();
            idle.Push(this);
            wake.Wait();
        }
    }
}
