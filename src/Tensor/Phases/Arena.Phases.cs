namespace Mayfly;

// Phases: what is taken and given back alike each time shares one block.
public sealed partial class Arena
{
    private readonly Dictionary<string, PhaseBook> books = [];
    private PhaseRun? phase;
    private Slab? slab;
    private bool streams;
    private long[] spareEvents = [];

    /// <summary>
    /// Begins a part of a program that takes and gives back memory in the same way each time, such as a training step or an evaluation of
    /// a batch. The first one is written down, and from then on all that a phase takes and gives back lies in one block, at places planned
    /// for the whole phase: it has hardly more bytes than are in use at one time. What a phase takes beside the plan it takes as if there
    /// were none. Phases within phases, of other threads at the same time, and where weights live in a file are none.
    /// </summary>
    /// <param name="name">What is alike each time.</param>
    public ArenaPhase Phase(string name)
    {
        lock (gate)
        {
            if (phase is not null || streams) return default;
            var plan = Book(name).Plan;
            phase = new PhaseRun(name, HasSlab(plan) ? plan : null, spareEvents);
            return new ArenaPhase(this, phase);
        }
    }

    /// <summary>
    /// Takes over what another arena has learned of its phases: that of a dry device, so that the first phase here goes as planned.
    /// </summary>
    /// <param name="other">The arena of a device that did the same.</param>
    public void LearnPhases(Arena other)
    {
        lock (other.gate)
            lock (gate)
                foreach (var (name, learned) in other.books) Book(name).Learn(learned);
    }

    internal void End(PhaseRun run)
    {
        lock (gate)
        {
            if (phase != run) return;
            (phase, spareEvents) = (null, run.Events);
            if (run.IsAsPlanned) Book(run.Name).Keep();
            else if (Book(run.Name).Learn(run) || run.HasLeftPlan) Trim(); // what is in the block from now on, or was taken beside it
        }
    }

    private PhaseBook Book(string name)
    {
        if (!books.TryGetValue(name, out var book)) books[name] = book = new PhaseBook();
        return book;
    }

    /// <summary>A piece of the block, where the phase has planned it; else null.</summary>
    private Block? Planned(long bytes)
    {
        if (phase is not { IsOwn: true } run) return null;
        long offset = run.Take(bytes);
        if (!run.Follows) ReleaseSlab();
        if (offset == SlabPlan.Outside || slab!.TryTake(offset, bytes) is not { } piece) return null;
        Touch(slab.Whole, offset + bytes);
        return piece;
    }

    /// <summary>True where the block has room for the plan.</summary>
    private bool HasSlab(SlabPlan? plan)
    {
        if (plan is null) return false;
        if (slab is not null && slab.Whole.Bytes >= plan.Bytes) return true;
        Trim(); // what is unused comes from before the plan
        if (slab is null && TryAllocate(plan.Bytes) is { } block) slab = new Slab(backend, block);
        return slab is not null && slab.Whole.Bytes >= plan.Bytes;
    }

    private Block? TryAllocate(long bytes)
    {
        try
        {
            var block = AllocateOrTrim(bytes);
            reserved += bytes;
            return block;
        }
        catch (OutOfMemoryException)
        {
            return null; // in pieces there may be room
        }
    }

    private void ReleaseSlab()
    {
        if (slab is not { IsFree: true }) return;
        Release(slab.Whole);
        slab = null;
    }
}
