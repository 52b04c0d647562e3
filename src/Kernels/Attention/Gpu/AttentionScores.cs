using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>Scaled scores with their biases, of keys that are seen.</summary>
internal static class AttentionScores
{
    /// <summary>
    /// The score of a hidden key. It is a number, so that a tile without any key that a query sees gives weights, and those are multiplied
    /// by zero once the query's own scores come. Where none come, the result is zero.
    /// </summary>
    public const float Hidden = -3e38f;

    /// <summary>Those of four queries (rows) and four keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums4 OfQueries<TKeys>(
        AttentionSizes sizes, TKeys seen, AttentionSpans spans, int batch, int head, int query, int key, Sums4 products)
        where TKeys : struct, IAttentionKeys => QuadMath.Rows(
        OfQuery(sizes, seen, spans.X, batch, head, query, key, products.R0),
        OfQuery(sizes, seen, spans.Y, batch, head, query + 1, key, products.R1),
        OfQuery(sizes, seen, spans.Z, batch, head, query + 2, key, products.R2),
        OfQuery(sizes, seen, spans.W, batch, head, query + 3, key, products.R3));

    /// <summary>Those of four keys (rows) and four queries.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Sums4 OfKeys<TKeys>(
        AttentionSizes sizes, TKeys seen, AttentionSpans spans, int batch, int head, int query, int key, Sums4 products)
        where TKeys : struct, IAttentionKeys => QuadMath.Rows(
        OfKey(sizes, seen, spans, batch, head, query, key, products.R0),
        OfKey(sizes, seen, spans, batch, head, query, key + 1, products.R1),
        OfKey(sizes, seen, spans, batch, head, query, key + 2, products.R2),
        OfKey(sizes, seen, spans, batch, head, query, key + 3, products.R3));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad OfQuery<TKeys>(
        AttentionSizes sizes, TKeys seen, AttentionSpan span, int batch, int head, int query, int key, Quad products)
        where TKeys : struct, IAttentionKeys
    {
        Quad scores = sizes.Scale * products, bias = seen.BiasOfKeys(sizes, batch, head, query, key);
        return Quad.Of(
            seen.Masked(span.Hides(key), scores.X, bias.X), seen.Masked(span.Hides(key + 1), scores.Y, bias.Y),
            seen.Masked(span.Hides(key + 2), scores.Z, bias.Z), seen.Masked(span.Hides(key + 3), scores.W, bias.W));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad OfKey<TKeys>(
        AttentionSizes sizes, TKeys seen, AttentionSpans spans, int batch, int head, int query, int key, Quad products)
        where TKeys : struct, IAttentionKeys
    {
        Quad scores = sizes.Scale * products, bias = seen.BiasOfQueries(sizes, batch, head, query, key);
        return Quad.Of(
            seen.Masked(spans.X.Hides(key), scores.X, bias.X), seen.Masked(spans.Y.Hides(key), scores.Y, bias.Y),
            seen.Masked(spans.Z.Hides(key), scores.Z, bias.Z), seen.Masked(spans.W.Hides(key), scores.W, bias.W));
    }
}
