namespace Mayfly;

/// <summary>A token that is found in a text before it is cut.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="IsSpecial">True where it stands for no text: it is found only where that is asked for.</param>
internal sealed record AddedToken(int Id, string Content, bool IsSpecial)
{
    /// <summary>Takes the white space before it along.</summary>
    public bool StripsLeft { get; init; }

    /// <summary>Takes the white space after it along.</summary>
    public bool StripsRight { get; init; }

    /// <summary>Is no part of a longer word.</summary>
    public bool IsWord { get; init; }

    /// <summary>Is found in the normalized text.</summary>
    public bool IsNormalized { get; init; }

    /// <summary>Reads one of Hugging Face's.</summary>
    public static AddedToken Read(JsonPart part) => new(part["id"].Id, part["content"].Text, part["special"].Flag(false))
    {
        StripsLeft = part["lstrip"].Flag(false),
        StripsRight = part["rstrip"].Flag(false),
        IsWord = part["single_word"].Flag(false),
        IsNormalized = part["normalized"].Flag(false),
    };
}
