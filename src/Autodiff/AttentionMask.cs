using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// Which keys each query of attention sees. What is given holds together; nothing given lets all queries see all keys. Query t of T stands
/// at position t + S - T of the S keys.
/// </summary>
/// <remarks>
/// <see cref="Causal"/>, <see cref="Window"/>, <see cref="Lengths"/> and <see cref="First"/> are ranges, whose hidden keys take no time on
/// most devices, and leave each query the nearest key at least. <see cref="Sees"/> and <see cref="Bias"/> are read key by key; a query that
/// they leave no key has a result of zeros and gives no gradient.
/// </remarks>
public sealed record AttentionMask
{
    /// <summary>Hides the keys behind a query's position.</summary>
    public bool Causal { get; init; }

    /// <summary>
    /// A sliding window (Beltagy et al. 2020): the keys less than so many positions away from a query's own are seen; 0 for any distance.
    /// </summary>
    public int Window { get; init; }

    /// <summary>I32 (B): how many of a row's keys count, the others being padding behind them, at least 1; null where all do.</summary>
    public Tensor? Lengths { get; init; }

    /// <summary>I32 (B, T): the first key that each query sees; null for the first of its row. Documents packed into one row.</summary>
    public Tensor? First { get; init; }

    /// <summary>
    /// Broadcasts to (B, H, T, S), its last axis of size S: zero hides a key. What comparisons make: zeros and ones in floating point.
    /// </summary>
    public Tensor? Sees { get; init; }

    /// <summary>
    /// Broadcasts to (B, H, T, S), its last axis of size S: added to the scaled scores; -1e30 and less hides a key. It gets no gradient.
    /// </summary>
    public Tensor? Bias { get; init; }

    /// <summary>The tensors given.</summary>
    internal Tensor[] Tensors => (Lengths ?? First ?? Sees ?? Bias) is null ? []
        : [.. ((Tensor?[])[Lengths, First, Sees, Bias]).OfType<Tensor>()];
}

/// <summary>What a condition adds to a score: negative infinity where it is zero, else nothing.</summary>
internal readonly struct HideWhereZero : IMap1<HideWhereZero>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V F<V>(V x) where V : struct, ILane<V> => V.WhereEqual(x, V.Of(0f), V.Of(float.NegativeInfinity), V.Of(0f));
}
