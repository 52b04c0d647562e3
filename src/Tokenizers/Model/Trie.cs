namespace Mayfly;

/// <summary>Finds all tokens that a text goes on with.</summary>
internal sealed class Trie
{
    private readonly PairTable steps = new();
    private readonly List<int> tokens = [-1];

    /// <summary>Adds a token; of equal ones the first stays.</summary>
    public void Add(ReadOnlySpan<byte> bytes, int token)
    {
        int node = 0;
        foreach (byte b in bytes)
        {
            ulong step = steps.Find(node, b);
            if (step == PairTable.None)
            {
                steps.Add(node, b, 0, tokens.Count);
                node = tokens.Count;
                tokens.Add(-1);
            }
            else
            {
                node = (int)(uint)step;
            }
        }

        if (tokens[node] < 0) tokens[node] = token;
    }

    /// <summary>The node after one more byte, from 0 at the begin of a token; -1 where no token goes on so.</summary>
    public int Next(int node, byte b) => steps.Find(node, b) is var step and not PairTable.None ? (int)(uint)step : -1;

    /// <summary>The token that ends at a node, or -1.</summary>
    public int Token(int node) => tokens[node];

    /// <summary>The longest token with which bytes begin; -1 and 0 where there is none.</summary>
    public (int Token, int Length) Longest(ReadOnlySpan<byte> bytes)
    {
        var best = (Token: -1, Length: 0);
        for (int i = 0, node = 0; i < bytes.Length && (node = Next(node, bytes[i])) >= 0; i++)
            if (Token(node) >= 0) best = (Token(node), i + 1);
        return best;
    }
}
