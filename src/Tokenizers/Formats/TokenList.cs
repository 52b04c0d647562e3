namespace Mayfly;

/// <summary>Collects tokens by id, as long as the ids are about as many as the tokens.</summary>
/// <param name="file">The file, for messages.</param>
internal sealed class TokenList(string file)
{
    /// <summary>Ids without a token, beside one for each that has one.</summary>
    private const int MostHoles = 1 << 16;

    private readonly Dictionary<int, (byte[] Token, TokenKind Kind)> tokens = [];
    private int size;

    /// <summary>The number of tokens.</summary>
    public int Count => tokens.Count;

    /// <summary>Adds a token.</summary>
    /// <exception cref="BadFileException">The id has another one.</exception>
    public void Add(int id, byte[] token, TokenKind kind, string field)
    {
        if (!tokens.TryAdd(id, (token, kind)) && !tokens[id].Token.AsSpan().SequenceEqual(token))
            throw new BadFileException(file, field, $"the id {id} is that of another token.");
        if (kind != TokenKind.Normal) tokens[id] = (token, kind);
        size = Math.Max(size, id == int.MaxValue ? id : id + 1);
    }

    /// <summary>All by their ids.</summary>
    /// <exception cref="BadFileException">There are none, or an id is far beyond their number.</exception>
    public (byte[]?[] Tokens, TokenKind[] Kinds) ToArrays(string field)
    {
        if (tokens.Count == 0) throw new BadFileException(file, field, "there are no tokens.");
        if (size - 1 > 2L * tokens.Count + MostHoles)
            throw new BadFileException(file, field, $"the id {size - 1} is far beyond the number of tokens, {tokens.Count}.");
        var (found, kinds) = (new byte[size][], new TokenKind[size]);
        foreach (var (id, (token, kind)) in tokens) (found[id], kinds[id]) = (token, kind);
        return (found, kinds);
    }
}
