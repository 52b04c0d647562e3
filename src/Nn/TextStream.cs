namespace Mayfly;

/// <summary>Turns tokens into text as they come, and finds the stop text across tokens.</summary>
internal sealed class TextStream(Func<int[], string> decode, IReadOnlyList<string> stops)
{
    private const char Broken = '\uFFFD';
    private readonly List<int> ids = [];
    private int first, read; // ids from first on are decoded together, as text may depend on the token before; up to read, it was given out
    private string held = "";

    /// <summary>True once a stop text came; what follows it is dropped.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Takes a token and returns the text that is certain now.</summary>
    public string Push(int id)
    {
        ids.Add(id);
        return Release(Decoded(whole: false), last: false);
    }

    /// <summary>The rest, where no more tokens come.</summary>
    public string Finish() => Release(Decoded(whole: true), last: true);

    /// <summary>The text of the tokens not given out yet, unless its end may be a part of a character.</summary>
    private string Decoded(bool whole)
    {
        string known = decode([.. ids[first..read]]), all = decode([.. ids[first..]]);
        if (all.Length <= known.Length || (!whole && all[^1] == Broken)) return "";
        (first, read) = (read, ids.Count);
        return all[known.Length..];
    }

    private string Release(string text, bool last)
    {
        if (IsStopped) return "";
        held += text;
        int stop = FirstStop();
        IsStopped = stop >= 0;
        int safe = IsStopped ? stop : last ? held.Length : held.Length - StartOfStop();
        string released = held[..safe];
        held = IsStopped ? "" : held[safe..];
        return released;
    }

    private int FirstStop()
    {
        int best = -1;
        foreach (string stop in stops)
        {
            int at = held.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (best < 0 || at < best)) best = at;
        }

        return best;
    }

    /// <summary>The length of the longest end that a stop text starts with.</summary>
    private int StartOfStop()
    {
        int longest = 0;
        foreach (string stop in stops)
            for (int length = Math.Min(stop.Length - 1, held.Length); length > longest; length--)
                if (held.EndsWith(stop[..length], StringComparison.Ordinal)) longest = length;
        return longest;
    }
}
