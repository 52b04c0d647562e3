using System.Runtime.InteropServices;

namespace ILGPU.Runtime;

/// <summary>
/// The lanes of a group, each on a thread of its own once it has met a barrier, and only one of them running at any time: a lane hands its turn on
/// when it waits or ends. Groups with odd numbers run their lanes backwards, so that a missing barrier shows whichever way it is needed.
/// </summary>
internal sealed unsafe class SimulatedGroup : IDisposable
{
    private readonly Accelerator accelerator;
    private readonly Action kernel;
    private readonly SimulatedLane[] lanes;
    private readonly List<(nint Memory, long Bytes)> shared = [];
    private readonly SemaphoreSlim done = new(0);
    private readonly long[] slots;
    private bool backwards;
    private Exception? fault;

    public SimulatedGroup(Accelerator accelerator, KernelConfig config, Action kernel)
    {
        this.accelerator = accelerator;
        this.kernel = kernel;
        Config = config;
        lanes = new SimulatedLane[config.GroupDim.Size];
        slots = new long[lanes.Length * 2];
        var size = config.GroupDim;
        for (int i = 0; i < lanes.Length; i++) lanes[i] = new SimulatedLane(this, i, new Index3D(i % size.X, i / size.X % size.Y, i / size.X / size.Y));
    }

    public KernelConfig Config { get; }

    public Index3D Place { get; private set; }

    public int WarpSize => accelerator.WarpSize;

    public int Count => lanes.Length;

    public void Run(Index3D place)
    {
        Place = place;
        backwards = ((place.X + place.Y + place.Z) & 1) != 0;
        for (int i = 0; i < shared.Count; i++) Poison(shared[i]);
        foreach (var lane in lanes) lane.Reset();
        Carry(lanes[backwards ? lanes.Length - 1 : 0]);
        done.Wait();
        SimulatedLane.Current = null;
        if (fault is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>The group's piece of shared memory that each lane's call number <paramref name="ordinal"/> names.</summary>
    public void* Shared(int ordinal, long bytes)
    {
        if (ordinal == shared.Count)
        {
            shared.Add(((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 64), 64), bytes));
            Poison(shared[ordinal]);
            long all = shared.Sum(piece => piece.Bytes);
            if (all > accelerator.MaxSharedMemoryPerGroup)
                throw new BarrierException($"a group asks for {all} bytes of shared memory and has {accelerator.MaxSharedMemoryPerGroup}");
        }

        return shared[ordinal].Bytes == bytes
            ? (void*)shared[ordinal].Memory
            : throw new BarrierException($"the lanes disagree about shared memory: {bytes} and {shared[ordinal].Bytes} bytes");
    }

    /// <summary>The exchange slot of a lane: what the others read after a barrier; two of them, used in turn.</summary>
    public ref long Slot(int lane, int phase) => ref slots[lane * 2 + phase];

    /// <summary>Waits until all lanes of the group, or of the lane's warp, wait alike.</summary>
    public void Wait(SimulatedLane lane, LaneState where)
    {
        lane.State = where;
        Meet(lane, where);
        var next = Next(lane.Index) ?? Abandon(lane.Index);
        if (next != lane)
        {
            HandTo(next);
            lane.Turn.Wait();
        }

        SimulatedLane.Current = lane;
        lane.State = LaneState.Running;
        if (fault is not null) throw new BarrierException("another lane failed");
    }

    public void Dispose()
    {
        // the semaphores hold nothing, and a thread may still be leaving one
        foreach (var (memory, _) in shared) NativeMemory.AlignedFree((void*)memory);
    }

    /// <summary>Runs lanes on this thread until the turn goes to a lane that has a thread, or all have ended.</summary>
    private void Carry(SimulatedLane? lane)
    {
        while (lane is not null)
        {
            Execute(lane);
            var next = Next(lane.Index);
            if (next is null && Array.Exists(lanes, l => l.State != LaneState.Ended)) next = Abandon(lane.Index);
            lane = next?.State == LaneState.New ? next : null;
            if (next is null) done.Release(); // from here on nothing here is this thread's
            else if (lane is null) next.Turn.Release();
        }
    }

    private void Execute(SimulatedLane lane)
    {
        SimulatedLane.Current = lane;
        lane.State = LaneState.Running;
        try
        {
            if (fault is null) kernel();
        }
        catch (Exception e)
        {
            fault ??= e;
            FreeAll();
        }

        lane.State = LaneState.Ended;
    }

    private void HandTo(SimulatedLane lane)
    {
        if (lane.State == LaneState.New) Carrier.Run(() => Carry(lane));
        else lane.Turn.Release();
    }

    /// <summary>The next lane that can run, after lane number <paramref name="from"/>.</summary>
    private SimulatedLane? Next(int from)
    {
        int step = backwards ? lanes.Length - 1 : 1;
        for (int i = 0, at = from; i < lanes.Length; i++)
        {
            at = (at + step) % lanes.Length;
            if (lanes[at].State is LaneState.New or LaneState.Free) return lanes[at];
        }

        return null;
    }

    /// <summary>Frees the waiting lanes if this one was the last to come.</summary>
    private void Meet(SimulatedLane lane, LaneState where)
    {
        int first = where == LaneState.AtWarp ? lane.Index / WarpSize * WarpSize : 0;
        int last = where == LaneState.AtWarp ? Math.Min(first + WarpSize, lanes.Length) : lanes.Length;
        for (int i = first; i < last; i++)
            if (lanes[i].State != where) return;
        for (int i = first; i < last; i++) lanes[i].State = LaneState.Free;
    }

    /// <summary>Nobody can go on: some lanes wait for others that have ended or wait elsewhere.</summary>
    private SimulatedLane Abandon(int from)
    {
        int waiting = lanes.Count(l => l.State is LaneState.AtGroup or LaneState.AtWarp);
        fault ??= new BarrierException($"{waiting} of {lanes.Length} lanes wait at a barrier that the others never reach");
        FreeAll();
        return Next(from)!;
    }

    private void FreeAll()
    {
        foreach (var lane in lanes)
            if (lane.State is LaneState.AtGroup or LaneState.AtWarp) lane.State = LaneState.Free;
    }

    /// <summary>Not-a-number everywhere: what no lane has written shows.</summary>
    private static void Poison((nint Memory, long Bytes) piece) => NativeMemory.Fill((void*)piece.Memory, (nuint)piece.Bytes, 0xFF);
}
