using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>Counts the pieces of texts.</summary>
internal sealed class WordCounter
{
    private readonly Dictionary<byte[], long> counts = new(BytesMap.Comparer.Instance);
    private readonly Dictionary<byte[], long>.AlternateLookup<ReadOnlySpan<byte>> lookup;
    private readonly RegexCut cut = new(PreTokenizers.Gpt2Pattern, CutBehavior.Isolated);

    public WordCounter() => lookup = counts.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>The pieces and how often they came.</summary>
    public IReadOnlyDictionary<byte[], long> Counts => counts;

    /// <summary>Counts the pieces of a text.</summary>
    public void Add(byte[] text)
    {
        foreach (var (start, length) in cut.Apply(Cut.Whole(text, begins: true)).Pieces)
            CollectionsMarshal.GetValueRefOrAddDefault(lookup, text.AsSpan(start, length), out _)++;
    }

    /// <summary>Adds what another counted.</summary>
    public void Add(WordCounter other)
    {
        foreach (var (word, count) in other.counts) CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _) += count;
    }
}
