namespace Mayfly;

/// <summary>The size of attention's square tiles. A group has Edge / 4 lanes side by side and Edge / 8 one below the other.</summary>
internal interface IAttentionTile
{
    /// <summary>Rows and columns of a tile: a power of two.</summary>
    static abstract int Edge { get; }

    /// <summary>Rows of an operand that lie in shared memory at a time: at least Edge / 4, at most Edge.</summary>
    static abstract int Chunk { get; }
}

/// <summary>128 lanes.</summary>
internal readonly struct AttentionTile64 : IAttentionTile
{
    public static int Edge => 64;

    public static int Chunk => 16;
}

/// <summary>32 lanes, for narrow heads and short contexts.</summary>
internal readonly struct AttentionTile32 : IAttentionTile
{
    public static int Edge => 32;

    public static int Chunk => 16;
}

/// <summary>2 lanes, for devices whose lanes are threads of the host.</summary>
internal readonly struct AttentionTile8 : IAttentionTile
{
    public static int Edge => 8;

    public static int Chunk => 8;
}
