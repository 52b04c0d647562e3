using System.Text.Json;
using Mayfly;

namespace Extending;

/// <summary>One id per word, words being what stands between spaces.</summary>
public sealed class WordTokenizer : Tokenizer
{
    public const string Name = "words";
    private readonly string[] words;

    public WordTokenizer(IEnumerable<string> words) => this.words = [.. words.Distinct().Order(StringComparer.Ordinal)];

    public override string Kind => Name;

    public override int VocabularySize => words.Length;

    public static WordTokenizer Read(TokenizerFields fields) =>
        new(fields.Root.GetProperty("words").EnumerateArray().Select(w => w.GetString()!));

    public override int[] Encode(string text) => Array.ConvertAll(text.Split(' ', StringSplitOptions.RemoveEmptyEntries), Id);

    public override string Decode(ReadOnlySpan<int> ids)
    {
        for (int i = 0; i < ids.Length; i++)
            if ((uint)ids[i] >= (uint)words.Length) throw OutOfVocabulary(ids[i], i);
        return string.Concat(ids.ToArray().Select(id => words[id] + " "));
    }

    protected override void WriteFields(Utf8JsonWriter json)
    {
        json.WriteStartArray("words");
        foreach (string word in words) json.WriteStringValue(word);
        json.WriteEndArray();
    }

    private int Id(string word) => Array.BinarySearch(words, word, StringComparer.Ordinal) is >= 0 and var id
        ? id
        : throw new InputException($"'{word}' is not among the {words.Length} words of the vocabulary.");
}
