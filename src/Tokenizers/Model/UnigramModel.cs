namespace Mayfly;

/// <summary>The unigram model (Kudo 2018): of all ways to cut a piece the one whose tokens have the highest sum of scores.</summary>
internal sealed class UnigramModel : IWordModel
{
    /// <summary>What an unknown character costs beyond the least score, as SentencePiece has it.</summary>
    private const double UnknownPenalty = 10;

    private readonly Trie trie = new();
    private readonly double[] scores;
    private readonly double unknownScore;
    private readonly Fallback fallback;

    /// <summary>Takes the tokens that text can become, with a score for every id.</summary>
    public UnigramModel(IEnumerable<(int Id, byte[] Bytes)> tokens, double[] scores, Fallback fallback)
    {
        (this.scores, this.fallback) = (scores, fallback);
        double least = double.PositiveInfinity;
        foreach (var (id, bytes) in tokens)
        {
            if (bytes.Length > 0) trie.Add(bytes, id);
            least = Math.Min(least, scores[id]);
        }

        unknownScore = (double.IsFinite(least) ? least : 0) - UnknownPenalty;
    }

    /// <summary>The score of every id.</summary>
    public IReadOnlyList<double> Scores => scores;

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<byte> piece, List<int> ids)
    {
        var ends = new End[piece.Length + 1];
        Array.Fill(ends, new End(double.NegativeInfinity, -1, -1), 1, piece.Length);
        for (int start = 0, length; start < piece.Length; start += length)
        {
            length = Characters.FirstLength(piece[start..]);
            Extend(ends, piece, start, length);
        }

        Walk(ends, piece, ids);
    }

    private void Extend(End[] ends, ReadOnlySpan<byte> piece, int start, int character)
    {
        bool isKnown = false;
        for (int i = start, node = 0; i < piece.Length && (node = trie.Next(node, piece[i])) >= 0; i++)
        {
            if (trie.Token(node) is not (var id and >= 0)) continue;
            isKnown |= i + 1 - start == character;
            Offer(ref ends[i + 1], ends[start].Score + scores[id], start, id);
        }

        if (!isKnown) Offer(ref ends[start + character], ends[start].Score + unknownScore, start, -1);
    }

    private static void Offer(ref End end, double score, int start, int id)
    {
        if (end.Start < 0 || score > end.Score) end = new End(score, start, id);
    }

    private void Walk(End[] ends, ReadOnlySpan<byte> piece, List<int> ids)
    {
        var path = new Stack<int>();
        int from = ids.Count;
        for (int end = piece.Length; end > 0; end = ends[end].Start) path.Push(end);
        foreach (int end in path)
            if (ends[end].Id >= 0) ids.Add(ends[end].Id);
            else fallback.Add(piece[ends[end].Start..end], ids, from);
    }

    /// <summary>The best way to a place.</summary>
    private readonly record struct End(double Score, int Start, int Id);
}
