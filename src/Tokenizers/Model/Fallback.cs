using System.Globalization;
using System.Text;

namespace Mayfly;

/// <summary>What becomes of a character that the vocabulary lacks: its bytes, or the unknown token.</summary>
/// <param name="Bytes">The ids of the 256 bytes; null where there are none.</param>
/// <param name="Unknown">The unknown token, or -1.</param>
/// <param name="Fuses">One unknown token stands for neighbours that are both unknown.</param>
internal sealed record Fallback(int[]? Bytes, int Unknown, bool Fuses)
{
    /// <summary>Adds what stands for a character.</summary>
    /// <param name="character">Its bytes.</param>
    /// <param name="ids">The ids so far.</param>
    /// <param name="from">Where those of the same piece begin.</param>
    /// <exception cref="InputException">There is nothing for it.</exception>
    public void Add(ReadOnlySpan<byte> character, List<int> ids, int from)
    {
        if (Bytes is not null && !character.ContainsAny(Missing))
            foreach (byte b in character) ids.Add(Bytes[b]);
        else if (Unknown < 0) throw Lacks(character);
        else if (!Fuses || ids.Count == from || ids[^1] != Unknown) ids.Add(Unknown);
    }

    /// <summary>The bytes that have no id.</summary>
    private byte[] Missing => field ??= [.. Enumerable.Range(0, 256).Where(b => Bytes![b] < 0).Select(b => (byte)b)];

    private static InputException Lacks(ReadOnlySpan<byte> character) => Rune.DecodeFromUtf8(character, out var rune, out _) == 0
        ? new($"The character '{rune}' (U+{rune.Value:X4}) is not in the vocabulary, which has no token for unknown ones; leave it out.")
        : new(string.Create(CultureInfo.InvariantCulture, $"The byte {character[0]} is not in the vocabulary; leave it out."));
}
