using System.Collections;
using System.Text;
using System.Text.Json;

namespace Mayfly;

/// <summary>
/// One id per Unicode character (code point), numbered in ordinal order, as nanoGPT's shakespeare_char does. Characters that it lacks are
/// an error, or have one id together.
/// </summary>
public sealed class CharTokenizer : Tokenizer
{
    internal const string KindName = "char";
    private const string VocabularyField = "vocabulary", UnknownField = "unknown";
    private readonly Rune[] characters;
    private readonly Dictionary<Rune, int> ids = [];

    /// <summary>Takes the characters that occur in <paramref name="text"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hasUnknown">Adds U+FFFD, whose id all other characters get.</param>
    /// <exception cref="InputException">The text is empty.</exception>
    public CharTokenizer(string text, bool hasUnknown = false) : this([text], hasUnknown)
    {
    }

    /// <summary>Takes the characters that occur in any of <paramref name="texts"/>.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="hasUnknown">Adds U+FFFD, whose id all other characters get.</param>
    /// <exception cref="InputException">The texts are empty.</exception>
    public CharTokenizer(IEnumerable<string> texts, bool hasUnknown = false)
    {
        var found = Distinct(texts);
        if (found.Count == 0) throw new InputException("The text is empty: there are no characters to make a vocabulary of.");
        HasUnknown = hasUnknown;
        characters = [.. new SortedSet<Rune>(hasUnknown ? found.Append(Rune.ReplacementChar) : found)];
        Number();
    }

    /// <summary>Takes a stored vocabulary as it is.</summary>
    private CharTokenizer(TokenizerFields fields)
    {
        string text = fields.Text(VocabularyField);
        var (all, different) = Count(text);
        if (all != different || all == 0)
            throw fields.Bad(VocabularyField, $"{all} characters, {different} different ones; each belongs there once.");
        (characters, ids) = (new Rune[all], new Dictionary<Rune, int>(all));
        int place = 0;
        foreach (var character in text.EnumerateRunes()) characters[place++] = character;
        Number();
        HasUnknown = fields.Flag(UnknownField);
        if (HasUnknown && !ids.ContainsKey(Rune.ReplacementChar)) throw fields.Bad(UnknownField, "the vocabulary lacks U+FFFD for it.");
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override int VocabularySize => characters.Length;

    /// <summary>True where characters that the vocabulary lacks are encoded as U+FFFD.</summary>
    public bool HasUnknown { get; }

    /// <inheritdoc/>
    public override int[] Encode(string text)
    {
        var encoded = new List<int>(text.Length);
        int position = 0;
        foreach (var character in text.EnumerateRunes())
        {
            if (!ids.TryGetValue(character, out int id))
                id = HasUnknown ? ids[Rune.ReplacementChar] : throw Unknown(character, position);
            encoded.Add(id);
            position += character.Utf16SequenceLength;
        }

        return [.. encoded];
    }

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder(ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)characters.Length) throw OutOfVocabulary(ids[i], i);
            text.Append(characters[ids[i]].ToString());
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    protected override void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString(VocabularyField, string.Concat(characters));
        if (HasUnknown) json.WriteBoolean(UnknownField, true);
    }

    internal static CharTokenizer Read(TokenizerFields fields) => new(fields);

    private void Number()
    {
        for (int i = 0; i < characters.Length; i++) ids.TryAdd(characters[i], i);
    }

    /// <summary>The characters of a text and the different ones among them, before memory is taken for either.</summary>
    private static (int All, int Different) Count(string text)
    {
        var seen = new BitArray(0x110000);
        int all = 0, different = 0;
        foreach (var character in text.EnumerateRunes())
        {
            all++;
            if (!seen[character.Value]) different++;
            seen[character.Value] = true;
        }

        return (all, different);
    }

    private static HashSet<Rune> Distinct(IEnumerable<string> texts)
    {
        var seen = new BitArray(0x110000);
        foreach (string text in texts)
            foreach (var character in text.EnumerateRunes()) seen[character.Value] = true;
        return [.. Enumerable.Range(0, seen.Length).Where(value => seen[value]).Select(value => new Rune(value))];
    }

    private InputException Unknown(Rune character, int position) =>
        new($"The character '{character}' (U+{character.Value:X4}) at position {position} is not among the {characters.Length} "
            + "of the vocabulary; leave it out, or train with text that has it or with a tokenizer that knows every text.");
}
