namespace Mayfly;

/// <summary>
/// What random ops are keyed by, beside their call's ordinal: nothing moves and nothing needs saving, so a recomputed segment, a resumed
/// run and any number of threads draw the same numbers.
/// </summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Step">The global step.</param>
/// <param name="MicroBatch">The micro-batch within the step, below 4096.</param>
public readonly record struct RandomState(ulong Seed, long Step, int MicroBatch)
{
    internal RandomKey Key(int ordinal) => new(Seed, (ulong)Step << 32 | ((ulong)MicroBatch & 0xFFF) << 20 | (ulong)ordinal & 0xFFFFF);
}
