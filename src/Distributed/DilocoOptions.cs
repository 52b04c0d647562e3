namespace Mayfly;

/// <summary>The settings of a <see cref="Diloco"/> worker.</summary>
public sealed record DilocoOptions
{
    /// <summary>The largest number of a worker, plus one.</summary>
    public const int MostWorkers = 4096;

    /// <summary>This worker's number, which no other has: from 0.</summary>
    public int Worker { get; init; }

    /// <summary>The workers that the first synchronisation waits for: those with the numbers below. Others may join later.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Steps between synchronisations.</summary>
    public int Every { get; init; } = 500;

    /// <summary>How long a worker that has come to a synchronisation waits for the others, before they are left out.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The outer optimizer.</summary>
    public OuterStep Outer { get; init; } = new();

    /// <summary>The run's seed: changes are rounded to 8 bits at random.</summary>
    public ulong Seed { get; init; }
}
