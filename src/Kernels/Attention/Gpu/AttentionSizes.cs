namespace Mayfly;

/// <summary>What the attention kernels know besides their operands.</summary>
internal readonly struct AttentionSizes
{
    public readonly int Batch, Heads, Groups, Queries, Keys, Size;
    public readonly float Scale;

    // query t sees the keys s <= t + offset, or key 0
    private readonly int offset, edge;

    public AttentionSizes(in Attend call, int edge)
    {
        Batch = (int)call.Q.Shape[0];
        Queries = (int)call.Q.Shape[1];
        Heads = (int)call.Q.Shape[2];
        Size = (int)call.Q.Shape[3];
        Keys = (int)call.K.Shape[1];
        Groups = (int)call.K.Shape[2];
        Scale = (float)call.Scale;
        offset = call.Causal ? Keys - Queries : call.Window > 0 ? Keys - Queries + Math.Min(call.Window, Keys) - 1 : Keys;
        this.edge = edge;
    }

    /// <summary>
    /// Groups that compute the rows of all queries, or their gradients: one a head, query tile and slice of the head's elements.
    /// </summary>
    public int QueryTasks => checked(Batch * Heads * Tiles(Queries) * Tiles(Size));

    /// <summary>Groups that compute the gradients of all keys and values.</summary>
    public int KeyTasks => checked(Batch * Groups * Tiles(Keys) * Tiles(Size));

    public AttentionTask QueryTask(int number) => new(number, Tiles(Size), Tiles(Queries), Heads, edge);

    public AttentionTask KeyTask(int number) => new(number, Tiles(Size), Tiles(Keys), Groups, edge);

    /// <summary>Query heads that share a head of keys and values.</summary>
    public int HeadsPerGroup => Heads / Groups;

    /// <summary>The last key that a query sees.</summary>
    public int LastKey(int query) => query + offset >= Keys ? Keys - 1 : query + offset < 0 ? 0 : query + offset;

    /// <summary>The start of the first query tile of which a query sees the key.</summary>
    public int FirstTile(int key) => key > offset && key > 0 ? (key - offset) / edge * edge : 0;

    /// <summary>The place of a query's number in (B, H, T).</summary>
    public int Place(int batch, int head, int query) => (batch * Heads + head) * Queries + query;

    private int Tiles(int count) => (count + edge - 1) / edge;
}

/// <summary>One group's share of the work. The last tiles, to which causal attention gives the most keys, come first.</summary>
internal readonly struct AttentionTask
{
    /// <summary>The sequence, the head, the tile's first row and the first of the head's elements.</summary>
    public readonly int Batch, Head, First, Column;

    public AttentionTask(int number, int slices, int tiles, int heads, int edge)
    {
        int ofTile = number / slices, ofHead = ofTile / tiles;
        Column = (number - ofTile * slices) * edge;
        First = (tiles - 1 - (ofTile - ofHead * tiles)) * edge;
        Batch = ofHead / heads;
        Head = ofHead - Batch * heads;
    }
}
