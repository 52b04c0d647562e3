namespace Mayfly;

/// <summary>The parts of a training step.</summary>
public enum StepPhase
{
    /// <summary>Outside of what follows.</summary>
    Other,

    /// <summary>The forward pass.</summary>
    Forward,

    /// <summary>A checkpointed segment's forward pass again, for the sweep.</summary>
    Recompute,

    /// <summary>The backward sweep.</summary>
    Backward,

    /// <summary>A parameter's update by its rule.</summary>
    Update,
}

/// <summary>What is done at a moment of a step.</summary>
/// <param name="Phase">The part of the step.</param>
/// <param name="What">The op, or of an update the rule.</param>
/// <param name="Where">The parameter or the module; null where there is none.</param>
public readonly record struct StepMoment(StepPhase Phase, string What, string? Where)
{
    /// <summary>In words, as in <c>backward of Linear (head.weight)</c>.</summary>
    public override string ToString() => (Phase, Where) switch
    {
        (StepPhase.Other, _) => "outside of the step",
        (StepPhase.Update, _) => $"update of {Where} by {What}",
        (_, null or "") => $"{Phase.ToString().ToLowerInvariant()} of {What}",
        _ => $"{Phase.ToString().ToLowerInvariant()} of {What} ({Where})",
    };
}

/// <summary>A piece of memory taken or given back.</summary>
/// <param name="Bytes">Its bytes; below zero where it was given back.</param>
/// <param name="Use">What it is for.</param>
/// <param name="Maker">What made it: an op, a rule, or the parameter of a weight or gradient.</param>
/// <param name="Moment">When.</param>
public readonly record struct ArenaEvent(long Bytes, Use Use, string Maker, StepMoment Moment);

/// <summary>The most bytes that a trace saw at one time.</summary>
/// <param name="Bytes">All of them.</param>
/// <param name="Live">Of each use, by its number.</param>
/// <param name="At">The event that took the last of them; null where nothing was taken.</param>
public sealed record ArenaPeak(long Bytes, IReadOnlyList<long> Live, ArenaEvent? At)
{
    /// <summary>The bytes of a use at that moment.</summary>
    public long Of(Use use) => Live[(int)use];
}

/// <summary>All that an arena hands out and takes back from <see cref="Arena.StartTrace"/> on, until it is disposed.</summary>
public sealed class ArenaTrace : IDisposable
{
    private readonly Arena arena;
    private readonly List<ArenaEvent> events = [];
    private readonly long[] start;
    private StepMoment moment;

    internal ArenaTrace(Arena arena, long[] start) => (this.arena, this.start) = (arena, start);

    /// <summary>The bytes of each use when it began, by its number.</summary>
    public IReadOnlyList<long> Start => start;

    /// <summary>What was handed out and taken back, in order.</summary>
    public IReadOnlyList<ArenaEvent> Events => events;

    /// <summary>Says what is done from now on.</summary>
    /// <param name="phase">The part of the step.</param>
    /// <param name="what">The op, or of an update the rule.</param>
    /// <param name="where">The parameter or the module; null where there is none.</param>
    public void At(StepPhase phase, string what, string? where) => moment = new StepMoment(phase, what, where);

    /// <summary>The first moment at which most was in use.</summary>
    public ArenaPeak Peak()
    {
        var (live, most, at) = ((long[])start.Clone(), (long[])start.Clone(), -1);
        long now = start.Sum(), peak = now;
        for (int i = 0; i < events.Count; i++)
        {
            live[(int)events[i].Use] += events[i].Bytes;
            now += events[i].Bytes;
            if (now <= peak) continue;
            (peak, at) = (now, i);
            live.CopyTo(most, 0);
        }

        return new ArenaPeak(peak, most, at < 0 ? null : events[at]);
    }

    /// <inheritdoc/>
    public void Dispose() => arena.EndTrace(this);

    internal void Add(long bytes, Use use, string maker) => events.Add(new ArenaEvent(bytes, use, maker, moment));
}
