using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>The keys from the first to the last that a query sees; none where the last comes before the first.</summary>
internal readonly struct AttentionSpan(int first, int last)
{
    private readonly int first = first, last = last;

    /// <summary>True where the key is none of them: one comparison, as kernels ask it for each score.</summary>
    public bool Hides(int key) => key < first | key > last;
}

/// <summary>The keys of four neighbouring queries.</summary>
internal readonly struct AttentionSpans(AttentionSpan x, AttentionSpan y, AttentionSpan z, AttentionSpan w)
{
    public readonly AttentionSpan X = x, Y = y, Z = z, W = w;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AttentionSpans Of<TKeys>(TKeys seen, AttentionSizes sizes, int batch, int query) where TKeys : struct, IAttentionKeys =>
        new(seen.Span(sizes, batch, query), seen.Span(sizes, batch, query + 1), seen.Span(sizes, batch, query + 2),
            seen.Span(sizes, batch, query + 3));
}

/// <summary>Which keys a query sees, and what is added to their scores.</summary>
internal interface IAttentionKeys
{
    /// <summary>The keys that a query sees as far as its place tells; none where there is no such query.</summary>
    AttentionSpan Span(AttentionSizes sizes, int batch, int query);

    /// <summary>What is added to the scores of a query and four keys.</summary>
    Quad BiasOfKeys(AttentionSizes sizes, int batch, int head, int query, int key);

    /// <summary>What is added to the scores of four queries and a key.</summary>
    Quad BiasOfQueries(AttentionSizes sizes, int batch, int head, int query, int key);

    /// <summary>A score with its bias, or <see cref="AttentionScores.Hidden"/>.</summary>
    float Masked(bool hides, float score, float bias);

    /// <summary>The first tile of keys of which some of the queries from <paramref name="query"/> on see one.</summary>
    int FirstTile(AttentionSizes sizes, int batch, int query, int edge);

    /// <summary>The last key that some query up to <paramref name="query"/> sees.</summary>
    int LastKey(AttentionSizes sizes, int batch, int query);
}

/// <summary>All of them are seen.</summary>
internal readonly struct AllKeys : IAttentionKeys
{
    /// <summary>A kernel takes no empty argument.</summary>
    public readonly int Unused;

    public AttentionSpan Span(AttentionSizes sizes, int batch, int query) => new(0, query < sizes.Queries ? sizes.LastKey(query) : -1);

    public Quad BiasOfKeys(AttentionSizes sizes, int batch, int head, int query, int key) => default;

    public Quad BiasOfQueries(AttentionSizes sizes, int batch, int head, int query, int key) => default;

    public float Masked(bool hides, float score, float bias) => hides ? AttentionScores.Hidden : score;

    public int FirstTile(AttentionSizes sizes, int batch, int query, int edge) => 0;

    public int LastKey(AttentionSizes sizes, int batch, int query) => sizes.LastKey(query);
}

/// <summary>
/// Some of them: <see cref="Attend.First"/>, <see cref="Attend.Lengths"/>, <see cref="Attend.Window"/>, <see cref="Attend.Bias"/>.
/// </summary>
internal readonly struct SomeKeys(ArrayView<int> first, ArrayView<int> lengths, HeadView bias, int window) : IAttentionKeys
{
    private readonly ArrayView<int> first = first, lengths = lengths; // (B, T) and (B), or empty
    private readonly HeadView bias = bias; // (B, T, H, S), or empty
    private readonly int window = window;

    public static SomeKeys Of(in Attend call) => new(
        GpuBackend.Ints(call.First), GpuBackend.Ints(call.Lengths),
        call.Bias.IsAbsent ? new HeadView(ArrayView<float>.Empty, 0, 0, 0) : HeadView.Of(call.Bias), call.Window);

    public AttentionSpan Span(AttentionSizes sizes, int batch, int query)
    {
        if (query >= sizes.Queries) return new(0, -1);
        return new(First(sizes, batch, query), LastKey(sizes, batch, query));
    }

    /// <summary>One branch for four numbers: a kernel with a branch for each takes long to compile.</summary>
    public Quad BiasOfKeys(AttentionSizes sizes, int batch, int head, int query, int key)
    {
        if (bias.Data.Length == 0) return default;
        int row = bias.Row(batch, Least(query, sizes.Queries - 1), head), last = sizes.Keys - 1;
        return Quad.Of(
            bias.Data[row + Least(key, last)], bias.Data[row + Least(key + 1, last)],
            bias.Data[row + Least(key + 2, last)], bias.Data[row + Least(key + 3, last)]);
    }

    public Quad BiasOfQueries(AttentionSizes sizes, int batch, int head, int query, int key)
    {
        if (bias.Data.Length == 0) return default;
        int last = sizes.Queries - 1, column = Least(key, sizes.Keys - 1);
        return Quad.Of(
            bias.Data[bias.Row(batch, Least(query, last), head) + column],
            bias.Data[bias.Row(batch, Least(query + 1, last), head) + column],
            bias.Data[bias.Row(batch, Least(query + 2, last), head) + column],
            bias.Data[bias.Row(batch, Least(query + 3, last), head) + column]);
    }

    public float Masked(bool hides, float score, float bias) =>
        hides | bias <= Attend.Hidden ? AttentionScores.Hidden : score + bias;

    public int FirstTile(AttentionSizes sizes, int batch, int query, int edge)
    {
        int least = sizes.Keys - 1;
        for (int i = query; i < query + edge && i < sizes.Queries; i++) least = Least(least, First(sizes, batch, i));
        return least / edge * edge;
    }

    public int LastKey(AttentionSizes sizes, int batch, int query)
    {
        int last = sizes.LastKey(query), length = lengths.Length > 0 ? lengths[batch] : sizes.Keys;
        return length > last ? last : length < 1 ? 0 : length - 1;
    }

    private int First(AttentionSizes sizes, int batch, int query)
    {
        int asked = first.Length > 0 ? first[batch * sizes.Queries + query] : 0, last = LastKey(sizes, batch, query);
        int near = window > 0 ? query + sizes.Keys - sizes.Queries - window + 1 : 0;
        asked = asked < near ? near : asked;
        return asked > last ? last : asked < 0 ? 0 : asked;
    }

    private static int Least(int a, int b) => a < b ? a : b;
}
