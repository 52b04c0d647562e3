using System.Text.RegularExpressions;

namespace Mayfly;

/// <summary>What becomes of the matches of a cut and of the text between them.</summary>
internal enum CutBehavior
{
    /// <summary>Matches are dropped.</summary>
    Removed,

    /// <summary>Matches and what is between them are pieces.</summary>
    Isolated,

    /// <summary>A match ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the piece after it.</summary>
    MergedWithNext,

    /// <summary>Matches side by side are one piece.</summary>
    Contiguous,
}

/// <summary>Reads behaviors.</summary>
internal static class CutBehaviors
{
    /// <summary>One by its name.</summary>
    /// <exception cref="BadFileException">There is none of that name.</exception>
    public static CutBehavior Read(JsonPart part) => part.IsNull ? CutBehavior.Isolated
        : Enum.TryParse<CutBehavior>(part.Text, out var behavior) && Enum.IsDefined(behavior) && !char.IsAsciiDigit(part.Text[0])
            ? behavior : throw part.Unsupported(part.Text, Enum.GetNames<CutBehavior>());
}

/// <summary>Cuts pieces where a pattern matches.</summary>
internal sealed class RegexCut(Regex regex, CutBehavior behavior, bool inverts = false)
{
    /// <summary>Takes a pattern in the words of tokenizers.</summary>
    public RegexCut(string pattern, CutBehavior behavior, bool inverts = false) : this(Patterns.Of(pattern), behavior, inverts)
    {
    }

    /// <summary>Cuts each piece by itself.</summary>
    public Cut Apply(Cut cut)
    {
        var shadow = Shadow.Of(cut.Bytes);
        var parts = new Parts(behavior, new List<(int, int)>(cut.Bytes.Length / 4 + 1));
        foreach (var (start, length) in cut.Pieces)
        {
            Cut1(shadow, shadow.At(start), shadow.At(start + length), ref parts);
            parts.End();
        }

        return cut with { Pieces = parts.Pieces };
    }

    private void Cut1(Shadow shadow, int from, int to, ref Parts parts)
    {
        int last = from;
        foreach (var match in regex.EnumerateMatches(shadow.Text[from..to]))
        {
            if (match.Length == 0) continue;
            int start = from + match.Index, end = start + match.Length;
            if (start > last) parts.Add(shadow.Start(last), shadow.Start(start), inverts);
            parts.Add(shadow.Start(start), shadow.Start(end), !inverts);
            last = end;
        }

        if (to > last) parts.Add(shadow.Start(last), shadow.Start(to), inverts);
    }

    /// <summary>Puts matches and what is between them together.</summary>
    private struct Parts(CutBehavior behavior, List<(int Start, int Length)> pieces)
    {
        private int held = -1; // where a piece begins that waits for what comes after it
        private int end;
        private bool wasMatch;

        public readonly List<(int Start, int Length)> Pieces => pieces;

        public void Add(int start, int stop, bool isMatch)
        {
            if (behavior == CutBehavior.Isolated) pieces.Add((start, stop - start));
            else if (behavior == CutBehavior.Removed)
            {
                if (!isMatch) pieces.Add((start, stop - start));
            }
            else Join(start, stop, isMatch);
        }

        public void End()
        {
            if (held >= 0) pieces.Add((held, end - held));
            held = -1;
        }

        private void Join(int start, int stop, bool isMatch)
        {
            if (held >= 0 && !Joins(isMatch)) End();
            if (held < 0) held = start;
            (end, wasMatch) = (stop, isMatch);
        }

        private readonly bool Joins(bool isMatch) => behavior switch
        {
            CutBehavior.MergedWithPrevious => isMatch && !wasMatch,
            CutBehavior.MergedWithNext => wasMatch && !isMatch,
            _ => wasMatch == isMatch,
        };
    }
}
