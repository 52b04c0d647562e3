namespace TrainGpt;

/// <summary>What a word that is not known may have been meant to be.</summary>
internal static class Suggestion
{
    private const int LettersPerSlip = 3;

    /// <summary><c> (did you mean X?)</c> for the nearest of the known words, or nothing where none is near.</summary>
    public static string For(string word, IEnumerable<string> known) => Nearest(word, known) is { } near ? $" (did you mean {near}?)" : "";

    /// <summary>
    /// The known word of the same letters or initials, or of the fewest slips: a letter more, less or another, or two swapped.
    /// </summary>
    private static string? Nearest(string word, IEnumerable<string> known)
    {
        string asked = Plain(word);
        if (asked.Length == 0) return null;
        var near = known.Select(name => (Name: name, Slips: asked == Initials(name) ? 0 : Slips(asked, Plain(name))))
            .OrderBy(candidate => candidate.Slips).FirstOrDefault();
        return near.Name is not null && near.Slips <= Math.Max(1, asked.Length / LettersPerSlip) && near.Slips < asked.Length
            ? near.Name
            : null;
    }

    private static string Plain(string word) => word.Trim('-').Replace('_', '-').ToLowerInvariant();

    private static string Initials(string name) => string.Concat(Plain(name).Split('-').Select(part => part[..1]));

    private static int Slips(string a, string b)
    {
        int[,] slips = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
            for (int j = 0; j <= b.Length; j++)
                slips[i, j] = i == 0 || j == 0 ? i + j : Least(slips, a, b, i, j);
        return slips[a.Length, b.Length];
    }

    private static int Least(int[,] slips, string a, string b, int i, int j)
    {
        int least = Math.Min(Math.Min(slips[i - 1, j], slips[i, j - 1]) + 1, slips[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
        bool isSwap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
        return isSwap ? Math.Min(least, slips[i - 2, j - 2] + 1) : least;
    }
}
