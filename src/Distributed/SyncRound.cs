namespace Mayfly;

/// <summary>What was decided of a synchronisation, once for all workers.</summary>
/// <param name="Round">Its number, from 1.</param>
/// <param name="Step">The step after which it is.</param>
/// <param name="Workers">Those whose changes count, in their order.</param>
/// <param name="LeftOut">Those that it has waited for, and who did not come in time.</param>
/// <param name="Next">Those that the next one waits for.</param>
public sealed record SyncRound(int Round, long Step, int[] Workers, int[] LeftOut, int[] Next);
