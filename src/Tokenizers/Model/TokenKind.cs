namespace Mayfly;

/// <summary>What a token is, in the numbers of SentencePiece and GGUF.</summary>
internal enum TokenKind
{
    /// <summary>A piece of text.</summary>
    Normal = 1,

    /// <summary>Stands for what the vocabulary lacks.</summary>
    Unknown = 2,

    /// <summary>A special token: no text becomes it.</summary>
    Control = 3,

    /// <summary>A text that is always one token.</summary>
    UserDefined = 4,

    /// <summary>Never given.</summary>
    Unused = 5,

    /// <summary>A byte of what the vocabulary lacks.</summary>
    Byte = 6,
}
