namespace Mayfly;

/// <summary>What an arena has learned of the phases of one name.</summary>
internal sealed class PhaseBook
{
    private const int MostMisses = 3;
    private bool isKnown;
    private long[]? other;
    private int misses;

    /// <summary>The plan, or null.</summary>
    public SlabPlan? Plan { get; private set; }

    /// <summary>
    /// Learns from a phase that went another way than planned: the first one is planned for, and then one that went twice in a row the
    /// same way. So a step that is another one now and then leaves the plan as it is.
    /// </summary>
    /// <returns>True where there is a new plan.</returns>
    public bool Learn(PhaseRun run)
    {
        if (run.IsShared) return false;
        var events = run.Events.AsSpan(0, run.Count);
        if (!isKnown || other is not null && events.SequenceEqual(other))
        {
            Plan = SlabPlan.Of(events.ToArray());
            Keep();
            return true;
        }

        other = events.ToArray();
        if (++misses > MostMisses) Plan = null;
        return false;
    }

    /// <summary>Notes that a phase went as planned.</summary>
    public void Keep() => (isKnown, other, misses) = (true, null, 0);

    /// <summary>Takes over what another arena has learned.</summary>
    public void Learn(PhaseBook book)
    {
        Plan = book.Plan;
        Keep();
    }
}
