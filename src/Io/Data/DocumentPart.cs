namespace Mayfly;

/// <summary>A piece of a document that becomes ids by itself: a stretch of text, or a special token.</summary>
/// <param name="Utf8">The text; of a special token its name.</param>
public readonly record struct DocumentPart(ReadOnlyMemory<byte> Utf8)
{
    /// <summary>True for the name of a special token; a tokenizer that has none of that name takes the name as text.</summary>
    public bool IsSpecial { get; init; }

    /// <summary>True where the text goes on from the part before.</summary>
    public bool IsContinued { get; init; }

    /// <summary>True for what is read but not learned: a prompt, another one's turn.</summary>
    public bool IsIgnored { get; init; }

    /// <summary>True for the last part of a document, after which a separator stands.</summary>
    public bool EndsDocument { get; init; }

    /// <summary>A part of a text in memory.</summary>
    public static DocumentPart Of(string text) => new(System.Text.Encoding.UTF8.GetBytes(text));
}
