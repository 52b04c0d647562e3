using System.Globalization;
using System.Text.Json;

namespace Mayfly;

/// <summary>Shows ids as numbers, for data that came as ids and whose text nobody told: "464 3290 318 ".</summary>
public sealed class IdTokenizer : Tokenizer
{
    internal const string KindName = "ids";
    private const string SizeField = "size";

    /// <summary>The most ids that a file may claim: the tables of a model are made for them.</summary>
    private const int MostIds = 1 << 24;

    /// <summary>Takes the ids from 0 up to <paramref name="size"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size below 1.</exception>
    public IdTokenizer(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        VocabularySize = size;
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override int VocabularySize { get; }

    /// <summary>The ids that are written in a text with white space between them.</summary>
    /// <exception cref="InputException">A word is no id of the vocabulary.</exception>
    public override int[] Encode(string text) => Array.ConvertAll(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), Id);

    /// <inheritdoc/>
    public override string Decode(ReadOnlySpan<int> ids)
    {
        for (int i = 0; i < ids.Length; i++)
            if ((uint)ids[i] >= (uint)VocabularySize) throw OutOfVocabulary(ids[i], i);
        return string.Concat(ids.ToArray().Select(id => string.Create(CultureInfo.InvariantCulture, $"{id} ")));
    }

    /// <inheritdoc/>
    protected override void WriteFields(Utf8JsonWriter json) => json.WriteNumber(SizeField, VocabularySize);

    internal static IdTokenizer Read(TokenizerFields fields) => new(fields.Size(SizeField, MostIds));

    private int Id(string word) => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id < VocabularySize
        ? id
        : throw new InputException($"'{word}' is no token id from 0 to {VocabularySize - 1}; this model knows ids only and no text.");
}
