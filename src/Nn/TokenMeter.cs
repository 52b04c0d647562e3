using System.Diagnostics.Metrics;

namespace Mayfly;

/// <summary>
/// What <c>dotnet-counters monitor --counters Mayfly</c> shows of tokens: <c>mayfly.tokens</c>, those that training reads, as often as it
/// reads them.
/// </summary>
internal static class TokenMeter
{
    private static readonly Meter meter = new("Mayfly");
    private static readonly Counter<long> tokens = meter.CreateCounter<long>("mayfly.tokens", "{token}", "Tokens read by training.");

    /// <summary>Counts the tokens of a loss, if a tape records it.</summary>
    public static void Add(Tensor ids)
    {
        if (tokens.Enabled && Tape.Current is not null) tokens.Add(ids.Count);
    }
}
