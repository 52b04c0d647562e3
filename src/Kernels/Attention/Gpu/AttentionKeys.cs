using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>Which of the keys up to its last one a query does not see, and what is added to the scores of the others.</summary>
internal interface IAttentionKeys
{
    /// <summary>True where a query does not see a key.</summary>
    bool Hides(AttentionSizes sizes, int batch, int head, int query, int key);

    /// <summary>The scaled score of a key that is seen, plus its bias.</summary>
    float Biased(AttentionSizes sizes, int batch, int head, int query, int key, float score);

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

    public bool Hides(AttentionSizes sizes, int batch, int head, int query, int key) => false;

    public float Biased(AttentionSizes sizes, int batch, int head, int query, int key, float score) => score;

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

    public bool Hides(AttentionSizes sizes, int batch, int head, int query, int key) =>
        query < sizes.Queries && (key < First(sizes, batch, query) || key > LastKey(sizes, batch, query)
            || Bias(sizes, batch, head, query, key) <= Attend.Hidden);

    public float Biased(AttentionSizes sizes, int batch, int head, int query, int key, float score) =>
        score + Bias(sizes, batch, head, query, key);

    public int FirstTile(AttentionSizes sizes, int batch, int query, int edge)
    {
        int least = sizes.Keys - 1;
        for (int i = query; i < query + edge && i < sizes.Queries; i++)
        {
            int own = First(sizes, batch, i);
            least = own < least ? own : least;
        }

        return least / edge * edge;
    }

    public int LastKey(AttentionSizes sizes, int batch, int query)
    {
        int last = sizes.LastKey(query), length = lengths.Length > 0 ? lengths[batch] : sizes.Keys;
        return length > last ? last : length < 1 ? 0 : length - 1;
    }

    private float Bias(AttentionSizes sizes, int batch, int head, int query, int key) =>
        bias.Data.Length > 0 && query < sizes.Queries && key < sizes.Keys ? bias.Data[bias.Row(batch, query, head) + key] : 0f;

    private int First(AttentionSizes sizes, int batch, int query)
    {
        int asked = first.Length > 0 ? first[batch * sizes.Queries + query] : 0, last = LastKey(sizes, batch, query);
        int near = window > 0 ? query + sizes.Keys - sizes.Queries - window + 1 : 0;
        asked = asked < near ? near : asked;
        return asked > last ? last : asked < 0 ? 0 : asked;
    }
}
