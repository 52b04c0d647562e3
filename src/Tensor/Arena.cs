namespace Mayfly;

/// <summary>
/// The memory of one device: blocks are rented and returned, kept for reuse by size class (eight classes per doubling, so at most an eighth
/// is wasted, or a block up to three times as large that nobody uses), and counted to the byte by use. Safe for concurrent callers.
/// </summary>
public sealed partial class Arena : IDisposable
{
    private static readonly int Uses = Enum.GetValues<Use>().Length;

    /// <summary>From how many bytes on a tensor may take a larger block, and how many times as large a one.</summary>
    private const long LeastShared = 4096, MostTimes = 3;

    /// <summary>Bytes of tensors that no scope frees, below which nobody looks for lost ones.</summary>
    private const long FewLoose = 32 << 20;

    private readonly Backend backend;
    private readonly Lock gate = new();
    private readonly Dictionary<long, Stack<Block>> free = [];
    private readonly HashSet<Block> loose = []; // nobody but a tensor holds them, and they outlive it
    private readonly long[] live = new long[Uses];
    private readonly long[] peak = new long[Uses];
    private long liveTotal, peakTotal, reserved, touched, leaks, bound = long.MaxValue;
    private long looseBytes, mostLoose = FewLoose;
    private Func<bool>? evict;
    private string? firstLeak;

    internal Arena(Backend backend) => this.backend = backend;

    /// <summary>Live and peak bytes now.</summary>
    public MemoryReport Report
    {
        get
        {
            lock (gate) return new MemoryReport((long[])live.Clone(), (long[])peak.Clone(), liveTotal, peakTotal)
            {
                ReservedBytes = reserved, TouchedBytes = touched, Leaks = leaks, FirstLeak = firstLeak,
            };
        }
    }

    /// <summary>What is traced now, or null.</summary>
    public ArenaTrace? Trace { get; private set; }

    /// <summary>Begins to write down what is handed out and taken back; a trace that was begun before gets no more.</summary>
    public ArenaTrace StartTrace()
    {
        lock (gate) return Trace = new ArenaTrace(this, (long[])live.Clone());
    }

    /// <summary>Starts the peaks again from what is live now.</summary>
    public void ResetPeaks()
    {
        lock (gate)
        {
            live.CopyTo(peak, 0);
            peakTotal = liveTotal;
        }
    }

    /// <summary>Gives the blocks nobody uses back to the system.</summary>
    public void Trim()
    {
        lock (gate)
        {
            foreach (var stack in free.Values)
                while (stack.TryPop(out var block)) Release(block);
            if (phase is not { Follows: true }) ReleaseSlab();
        }
    }

    /// <summary>
    /// The bytes of the block that holds <paramref name="bytes"/>: the next of eight sizes per power of two, at least a cache line.
    /// </summary>
    internal static long ClassOf(long bytes)
    {
        if (bytes <= 512) return Math.Max(64, (bytes + 63) / 64 * 64);
        long step = 1L << (60 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(bytes - 1)));
        return checked(bytes + step - 1) / step * step;
    }

    internal void EndTrace(ArenaTrace trace)
    {
        lock (gate)
            if (Trace == trace) Trace = null;
    }

    /// <summary>Runs before memory is handed out; it may throw, as a device without room does.</summary>
    internal Action? Renting { get; set; }

    /// <summary>Guards the books; who gives memory back when it is asked to takes it too.</summary>
    internal Lock Gate => gate;

    /// <summary>
    /// Bounds <see cref="MemoryReport.TouchedBytes"/>: where memory would take more, unused blocks go back to the system, and then
    /// <paramref name="evict"/> is asked to give some back until it says false.
    /// </summary>
    internal void Bound(long bytes, Func<bool>? evict)
    {
        lock (gate) (bound, this.evict, streams) = (bytes, evict, true);
    }

    /// <summary>Makes room for so many bytes within the bound; false where there is none.</summary>
    internal bool HasRoom(long bytes, Func<bool>? evict)
    {
        lock (gate)
        {
            while (touched + Growth(bytes) - bound is > 0 and var missing)
                if (!(HasUnused(missing) && ReleaseUnused()) && evict?.Invoke() is not true && !ReleaseUnused()) return false;
            return true;
        }
    }

    internal Block Rent(long bytes, Use use, string maker)
    {
        Renting?.Invoke();
        CollectLoose();
        lock (gate)
        {
            long size = ClassOf(bytes);
            if (bound < long.MaxValue && !HasRoom(bytes, evict)) throw NoRoom(bytes, use);
            var block = Planned(bytes) ?? Unused(size) ?? Fresh(size, bytes, use);
            if (phase is { IsOwn: true }) phase.Mark(block);
            Touch(block, bytes);
            Trace?.Add(bytes, use, maker);
            live[(int)use] += bytes;
            liveTotal += bytes;
            peak[(int)use] = Math.Max(peak[(int)use], live[(int)use]);
            peakTotal = Math.Max(peakTotal, liveTotal);
            return block;
        }
    }

    /// <summary>Holds a block that the garbage collector may find lost together with its tensor.</summary>
    internal void Loosen(Block block)
    {
        lock (gate)
        {
            loose.Add(block);
            looseBytes += block.Bytes;
        }
    }

    /// <summary>
    /// Asks the garbage collector which tensors that no scope frees are lost, once there are many more bytes of them than it left the last
    /// time: it sees small objects and not what they hold.
    /// </summary>
    private void CollectLoose()
    {
        if (Volatile.Read(ref looseBytes) <= Volatile.Read(ref mostLoose)) return;
        Volatile.Write(ref mostLoose, long.MaxValue); // one thread at a time
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Volatile.Write(ref mostLoose, Math.Max(FewLoose, 2 * Volatile.Read(ref looseBytes)));
    }

    internal void Return(Block block, long bytes, Use use, string maker, bool wasLoose = false)
    {
        lock (gate)
        {
            if (wasLoose && loose.Remove(block)) looseBytes -= block.Bytes;
            Trace?.Add(-bytes, use, maker);
            live[(int)use] -= bytes;
            liveTotal -= bytes;
            phase?.GiveBack(block);
            block.Phase = null;
            if (block.IsPart) slab!.Return(block);
            else Keep(block);
        }
    }

    internal void ReportLeak(string what)
    {
        lock (gate)
        {
            leaks++;
            firstLeak ??= what;
        }
    }

    private void Keep(Block block)
    {
        if (!free.TryGetValue(block.Bytes, out var stack)) free[block.Bytes] = stack = new Stack<Block>();
        stack.Push(block);
    }

    /// <summary>
    /// A block that nobody uses: of the size itself, else a somewhat larger one, which otherwise would lie idle beside a fresh one.
    /// </summary>
    private Block? Unused(long size) => Fitting(size)?.Pop();

    private Stack<Block>? Fitting(long size)
    {
        if (free.TryGetValue(size, out var stack) && stack.Count > 0) return stack;
        if (size < LeastShared || bound < long.MaxValue) return null; // within a bound what does not fit goes back
        for (long larger = ClassOf(size + 1); larger <= MostTimes * size; larger = ClassOf(larger + 1))
            if (free.TryGetValue(larger, out stack) && stack.Count > 0) return stack;
        return null;
    }

    /// <summary>By how much the touched bytes would grow.</summary>
    private long Growth(long bytes) => Math.Max(0, bytes - (Fitting(ClassOf(bytes))?.Peek().Touched ?? 0));

    private bool HasUnused(long bytes) => free.Values.Sum(stack => stack.Sum(block => block.Touched)) >= bytes;

    /// <summary>Gives the largest unused block back; false where there is none.</summary>
    private bool ReleaseUnused()
    {
        if (free.Values.Where(stack => stack.Count > 0).MaxBy(stack => stack.Peek().Touched) is not { } largest) return false;
        Release(largest.Pop());
        return true;
    }

    private OutOfMemoryException NoRoom(long bytes, Use use) => new(
        $"The bound of {bound:N0} bytes of memory has no room for {bytes:N0} bytes of {use} memory: {Live()} are in use at one time. "
        + "Raise the bound (--resident), use a smaller batch or context, or checkpoint blocks.");

    private string Live() =>
        $"{liveTotal:N0} bytes ({string.Join(", ", Enum.GetValues<Use>().Select(u => $"{u} {live[(int)u]:N0}"))})";

    private Block Fresh(long size, long bytes, Use use)
    {
        try
        {
            var block = AllocateOrTrim(size);
            reserved += size;
            return block;
        }
        catch (OutOfMemoryException e)
        {
            throw new OutOfMemoryException(
                $"{backend.Name} has no {bytes:N0} bytes left for {use} memory. Live: {Live()}. "
                + "Use a smaller batch, context or model, or checkpoint blocks.",
                e);
        }
    }

    /// <summary>Blocks nobody uses, of other sizes, may be what the device lacks.</summary>
    private Block AllocateOrTrim(long size)
    {
        try
        {
            return backend.Allocate(size);
        }
        catch (OutOfMemoryException) when (reserved > liveTotal)
        {
            Trim();
            return backend.Allocate(size);
        }
    }

    private void Touch(Block block, long bytes)
    {
        if (bytes <= block.Touched) return;
        touched += bytes - block.Touched;
        block.Touched = bytes;
    }

    private void Release(Block block)
    {
        reserved -= block.Bytes;
        touched -= block.Touched;
        backend.Free(block);
    }

    /// <summary>Gives all unused blocks back; blocks still in use stay with their tensors.</summary>
    public void Dispose() => Trim();
}

/// <summary>The arena's books.</summary>
public sealed class MemoryReport
{
    private readonly long[] live, peak;

    internal MemoryReport(long[] live, long[] peak, long liveTotal, long peakTotal) =>
        (this.live, this.peak, LiveBytes, PeakBytes) = (live, peak, liveTotal, peakTotal);

    /// <summary>Bytes in use.</summary>
    public long LiveBytes { get; }

    /// <summary>The most bytes in use at one time.</summary>
    public long PeakBytes { get; }

    /// <summary>Bytes taken from the system, unused blocks included.</summary>
    public long ReservedBytes { get; internal init; }

    /// <summary>
    /// What the system holds in memory of them: of each block as many bytes as the largest tensor that it has held. The rest of a block
    /// was never written.
    /// </summary>
    public long TouchedBytes { get; internal init; }

    /// <summary>
    /// Tensors that were garbage-collected while they still held memory. What belonged to no scope has been taken back; the rest is lost.
    /// </summary>
    public long Leaks { get; internal init; }

    /// <summary>Which tensor leaked first, or null.</summary>
    public string? FirstLeak { get; internal init; }

    /// <summary>Bytes in use for <paramref name="use"/>.</summary>
    public long Live(Use use) => live[(int)use];

    /// <summary>The most bytes in use at one time for <paramref name="use"/>.</summary>
    public long Peak(Use use) => peak[(int)use];

    /// <summary>A small table, one line a use.</summary>
    public override string ToString()
    {
        var text = new System.Text.StringBuilder("use              live MiB   peak MiB\n");
        foreach (var use in Enum.GetValues<Use>()) text.Append(Line(use.ToString().ToLowerInvariant(), Live(use), Peak(use)));
        return text.Append(Line("total", LiveBytes, PeakBytes)).Append($"reserved     {ReservedBytes / 1048576.0,12:F2}").ToString();
    }

    private static string Line(string name, long live, long peak) => $"{name,-12} {live / 1048576.0,12:F2} {peak / 1048576.0,10:F2}\n";
}
