using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// Learns merges from words and their counts: again and again the most frequent pair of neighbours becomes one symbol; of pairs equally
/// frequent the one with the lower left id, then with the lower right one. Only words with the pair are visited.
/// </summary>
internal sealed class MergeLearner
{
    /// <summary>A pair that came once tells nothing.</summary>
    private const long LeastCount = 2;

    private readonly List<(List<int> Symbols, long Count)> words = [];
    private readonly Dictionary<ulong, Pair> pairs = [];
    private readonly PriorityQueue<ulong, (long Less, ulong Pair)> queue = new();
    private readonly HashSet<ulong> touched = [];

    /// <summary>Takes words of ids; their order does not count.</summary>
    public MergeLearner(IEnumerable<(List<int> Symbols, long Count)> words)
    {
        foreach (var word in words)
        {
            this.words.Add(word);
            Count(this.words.Count - 1, 1);
        }

        Enqueue();
    }

    /// <summary>Merges the best pair into the symbol that it is given; null where none came twice.</summary>
    public (int Left, int Right)? Next(Func<int, int, int> symbol)
    {
        while (queue.TryDequeue(out ulong key, out var priority))
        {
            var pair = pairs[key];
            if (pair.Count < LeastCount) continue;
            if (pair.Count != -priority.Less) queue.Enqueue(key, (-pair.Count, key));
            else return Merge((int)(key >> 32), (int)(uint)key, pair, symbol);
        }

        return null;
    }

    private (int Left, int Right) Merge(int left, int right, Pair pair, Func<int, int, int> symbol)
    {
        int merged = symbol(left, right);
        foreach (int word in pair.Words.ToArray())
        {
            Count(word, -1);
            Replace(words[word].Symbols, left, right, merged);
            Count(word, 1);
        }

        pair.Words.Clear();
        Enqueue();
        return (left, right);
    }

    private static void Replace(List<int> symbols, int left, int right, int symbol)
    {
        int kept = 0;
        for (int i = 0; i < symbols.Count; i++, kept++)
        {
            bool merges = symbols[i] == left && i + 1 < symbols.Count && symbols[i + 1] == right;
            symbols[kept] = merges ? symbol : symbols[i];
            if (merges) i++;
        }

        symbols.RemoveRange(kept, symbols.Count - kept);
    }

    /// <summary>Adds a word's pairs to the counts, or takes them away.</summary>
    private void Count(int word, int sign)
    {
        var (symbols, count) = words[word];
        for (int i = 0; i + 1 < symbols.Count; i++)
        {
            ulong key = ((ulong)(uint)symbols[i] << 32) | (uint)symbols[i + 1];
            ref var pair = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, key, out _);
            pair ??= new Pair();
            pair.Count += sign * count;
            if (sign < 0) continue;
            pair.Words.Add(word);
            touched.Add(key);
        }
    }

    private void Enqueue()
    {
        foreach (ulong key in touched) queue.Enqueue(key, (-pairs[key].Count, key));
        touched.Clear();
    }

    /// <summary>How often a pair comes, and the words that have or had it.</summary>
    private sealed class Pair
    {
        public long Count;

        public readonly HashSet<int> Words = [];
    }
}
