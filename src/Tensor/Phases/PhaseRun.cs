namespace Mayfly;

/// <summary>A phase as it goes: what its thread has taken and given back, and where in its plan it is.</summary>
internal sealed class PhaseRun(string name, SlabPlan? plan, long[] spare)
{
    /// <summary>How many pieces of the plan may be missing in a row, and how many others come before it is given up.</summary>
    private const int Ahead = 16;

    private readonly bool isPlanned = plan is not null;
    private readonly int thread = Environment.CurrentManagedThreadId;
    private SlabPlan? plan = plan;
    private long[] events = spare;
    private int taken, next, unplanned;

    public string Name => name;

    /// <summary>The number of events so far.</summary>
    public int Count { get; private set; }

    /// <summary>True where another thread gave back what this one took, at a moment that another run may not repeat.</summary>
    public bool IsShared { get; private set; }

    /// <summary>True for a phase that went as planned, to its end.</summary>
    public bool IsAsPlanned => plan?.Events.AsSpan().SequenceEqual(events.AsSpan(0, Count)) == true;

    /// <summary>True for a phase that began with a plan and went another way.</summary>
    public bool HasLeftPlan => isPlanned && !IsAsPlanned;

    /// <summary>True while a plan is followed.</summary>
    public bool Follows => plan is not null;

    /// <summary>The events, with room for more behind them.</summary>
    public long[] Events => events;

    /// <summary>True where the caller is the phase's own thread.</summary>
    public bool IsOwn => Environment.CurrentManagedThreadId == thread;

    /// <summary>
    /// Takes a piece. It is the next one of its bytes in the plan: what is planned before that does not come this time, and what the plan
    /// does not know is beside it.
    /// </summary>
    /// <returns>Where in the plan's block it lies, or <see cref="SlabPlan.Outside"/>.</returns>
    public long Take(long bytes)
    {
        Add(bytes);
        taken++;
        if (plan is null) return SlabPlan.Outside;
        for (int i = next; i < Math.Min(next + Ahead, plan.Taken.Length); i++)
            if (plan.Taken[i].Bytes == bytes)
            {
                (next, unplanned) = (i + 1, 0);
                return plan.Taken[i].Offset;
            }

        if (++unplanned > Ahead) plan = null;
        return SlabPlan.Outside;
    }

    /// <summary>Remembers which piece of the phase a block holds.</summary>
    public void Mark(Block block) => (block.Phase, block.Piece) = (this, taken - 1);

    /// <summary>Gives a piece back.</summary>
    public void GiveBack(Block block)
    {
        bool isMine = block.Phase == this;
        if (IsOwn) Add(isMine ? ~(long)block.Piece : SlabPlan.Foreign);
        else if (isMine) IsShared = true;
    }

    private void Add(long e)
    {
        if (Count == events.Length) Array.Resize(ref events, Math.Max(256, 2 * events.Length));
        events[Count++] = e;
    }
}
