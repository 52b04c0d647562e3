namespace Mayfly;

/// <summary>A part of a program that takes memory in the same way each time, until it is disposed. See <see cref="Arena.Phase"/>.</summary>
public readonly struct ArenaPhase : IDisposable
{
    private readonly Arena? arena;
    private readonly PhaseRun? run;

    internal ArenaPhase(Arena arena, PhaseRun run) => (this.arena, this.run) = (arena, run);

    /// <summary>Ends the phase. Tensors that are left stay as they are.</summary>
    public void Dispose()
    {
        if (run is not null) arena!.End(run);
    }
}
