using System.Text;

namespace Mayfly;

/// <summary>
/// SentencePiece's vocabularies do not cut text, so that a whole book is one piece. Where no token has "▁" behind another character none
/// crosses the place before a "▁", and to cut there changes no id.
/// </summary>
internal static class MarkCut
{
    private static readonly byte[] Mark = Encoding.UTF8.GetBytes(Metaspace.Mark);

    /// <summary>The cut, or null where it may change ids.</summary>
    public static Func<Cut, Cut>? For(TokenizerDefinition definition)
    {
        if (definition.IsByteLevel || definition.PreTokenizer != "null") return null;
        bool isKnown = false;
        foreach (byte[]? token in definition.Tokens)
        {
            if (token is null) continue;
            isKnown |= token.AsSpan().SequenceEqual(Mark);
            if (HasMarkInside(token)) return null;
        }

        return isKnown ? new RegexCut($"{Metaspace.Mark}*[^{Metaspace.Mark}]+|{Metaspace.Mark}+", CutBehavior.Isolated).Apply : null;
    }

    private static bool HasMarkInside(ReadOnlySpan<byte> token)
    {
        while (token.StartsWith(Mark)) token = token[Mark.Length..];
        return token.IndexOf(Mark) >= 0;
    }
}
