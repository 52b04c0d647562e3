using ILGPU;

namespace Mayfly;

/// <summary>Which of the keys up to its last one a query does not see.</summary>
internal interface IAttentionKeys
{
    /// <summary>True where a key lies before the first one that a query sees.</summary>
    bool Hides(AttentionSizes sizes, int batch, int query, int key);

    /// <summary>The first tile of keys of which some of the queries from <paramref name="query"/> on see one.</summary>
    int FirstTile(AttentionSizes sizes, int batch, int query, int edge);
}

/// <summary>All of them are seen.</summary>
internal readonly struct AllKeys : IAttentionKeys
{
    /// <summary>A kernel takes no empty argument.</summary>
    public readonly int Unused;

    public bool Hides(AttentionSizes sizes, int batch, int query, int key) => false;

    public int FirstTile(AttentionSizes sizes, int batch, int query, int edge) => 0;
}

/// <summary>Each query has a first key, <see cref="Attend.First"/>.</summary>
internal readonly struct LaterKeys(ArrayView<int> first) : IAttentionKeys
{
    private readonly ArrayView<int> first = first; // (B, T)

    public bool Hides(AttentionSizes sizes, int batch, int query, int key) => query < sizes.Queries && key < Of(sizes, batch, query);

    public int FirstTile(AttentionSizes sizes, int batch, int query, int edge)
    {
        int least = sizes.LastKey(query);
        for (int i = query; i < query + edge && i < sizes.Queries; i++)
        {
            int first = Of(sizes, batch, i);
            least = first < least ? first : least;
        }

        return least < 0 ? 0 : least / edge * edge;
    }

    private int Of(AttentionSizes sizes, int batch, int query)
    {
        int asked = first[batch * sizes.Queries + query], last = sizes.LastKey(query);
        return asked < last ? asked : last;
    }
}
