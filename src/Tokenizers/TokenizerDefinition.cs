namespace Mayfly;

/// <summary>What a file says about a tokenizer, whatever its format: that of Hugging Face's tokenizer.json.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>The tokens by id, in bytes; null where an id has none. They are text where <see cref="IsByteLevel"/> is false.</summary>
    public required byte[]?[] Tokens { get; init; }

    /// <summary>What each id is.</summary>
    public required TokenKind[] Kinds { get; init; }

    /// <summary>Turns pieces into ids.</summary>
    public required IWordModel Model { get; init; }

    /// <summary>True where tokens are made of bytes, not of characters.</summary>
    public required bool IsByteLevel { get; init; }

    /// <summary>The tokens that are found in a text before it is cut.</summary>
    public IReadOnlyList<AddedToken> Added { get; init; } = [];

    /// <summary>The <c>normalizer</c>, in JSON.</summary>
    public string Normalizer { get; init; } = "null";

    /// <summary>The <c>pre_tokenizer</c>, in JSON.</summary>
    public string PreTokenizer { get; init; } = "null";

    /// <summary>The <c>decoder</c>, in JSON.</summary>
    public string Decoder { get; init; } = "null";

    /// <summary>The special token before every text, or null.</summary>
    public int? Begin { get; init; }

    /// <summary>The special token that ends a text, or null.</summary>
    public int? End { get; init; }

    /// <summary>The unknown token, or -1.</summary>
    public int Unknown { get; init; } = -1;

    /// <summary>True where unknown characters become their bytes.</summary>
    public bool HasByteFallback { get; init; }

    /// <summary>True where one unknown token stands for unknown neighbours.</summary>
    public bool FusesUnknown { get; init; }
}
