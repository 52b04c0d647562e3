using System.Diagnostics.Metrics;

namespace Mayfly;

/// <summary>
/// What <c>dotnet-counters monitor --counters Mayfly</c> shows of memory: <c>mayfly.memory</c>, the bytes in use by all devices of the
/// process, one value for each <see cref="Use"/> as the tag <c>use</c>. They are counted when somebody asks, and cost nothing before.
/// </summary>
internal static class MemoryMeter
{
    private static readonly Lock gate = new();
    private static readonly List<WeakReference<Arena>> arenas = [];
    private static readonly Meter meter = new("Mayfly");

    static MemoryMeter() => meter.CreateObservableUpDownCounter("mayfly.memory", Measure, "By", "Bytes in use by tensors.");

    /// <summary>Counts an arena from now on, until it is disposed or forgotten.</summary>
    public static void Add(Arena arena)
    {
        lock (gate)
        {
            arenas.RemoveAll(known => !known.TryGetTarget(out _));
            arenas.Add(new WeakReference<Arena>(arena));
        }
    }

    /// <summary>Counts an arena no more.</summary>
    public static void Remove(Arena arena)
    {
        lock (gate) arenas.RemoveAll(known => !known.TryGetTarget(out var other) || other == arena);
    }

    private static IEnumerable<Measurement<long>> Measure()
    {
        MemoryReport[] reports;
        lock (gate) reports = [.. arenas.Select(known => known.TryGetTarget(out var arena) ? arena.Report : null).OfType<MemoryReport>()];
        return Enum.GetValues<Use>().Select(use => new Measurement<long>(
            reports.Sum(report => report.Live(use)), new KeyValuePair<string, object?>("use", use.ToString().ToLowerInvariant())));
    }
}
