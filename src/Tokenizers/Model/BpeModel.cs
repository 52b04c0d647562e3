using System.Buffers;

namespace Mayfly;

/// <summary>Byte-pair encoding: begins with the bytes or characters of a piece and merges neighbours.</summary>
internal sealed class BpeModel : IWordModel
{
    private readonly PairTable pairs;
    private readonly BytesMap tokens;
    private readonly Fallback fallback;
    private readonly bool isByteLevel, takesWholes;
    private readonly int[] byteIds = new int[256];
    private readonly List<byte[]> helpers = [];
    private readonly int size;

    /// <summary>Takes a vocabulary and its merges.</summary>
    /// <param name="tokens">The tokens that text can become.</param>
    /// <param name="size">The number of ids; those from here on are characters that are no token by themselves.</param>
    /// <param name="pairs">The merges.</param>
    /// <param name="fallback">For what has no token.</param>
    /// <param name="isByteLevel">Begins with bytes, not characters.</param>
    /// <param name="takesWholes">A piece that is a token as a whole is it, whatever merges say.</param>
    public BpeModel(BytesMap tokens, int size, PairTable pairs, Fallback fallback, bool isByteLevel, bool takesWholes)
    {
        (this.tokens, this.size, this.pairs, this.fallback) = (tokens, size, pairs, fallback);
        (this.isByteLevel, this.takesWholes) = (isByteLevel, takesWholes);
        for (int b = 0; b < 256; b++) byteIds[b] = tokens.Find([(byte)b]);
    }

    /// <summary>The merges.</summary>
    public PairTable Pairs => pairs;

    /// <summary>A piece that is a token is it, whatever merges say.</summary>
    public bool TakesWholes => takesWholes;

    /// <summary>The same, but for what becomes of pieces that are tokens.</summary>
    public BpeModel With(bool takesWholes) => new(tokens, size, pairs, fallback, isByteLevel, takesWholes);

    /// <summary>The id of a character that is only a part of tokens.</summary>
    public int Helper(byte[] character)
    {
        int id = tokens.Find(character);
        if (id >= 0) return id;
        helpers.Add(character);
        tokens.Add(character, size + helpers.Count - 1);
        if (character.Length == 1) byteIds[character[0]] = size + helpers.Count - 1;
        return size + helpers.Count - 1;
    }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<byte> piece, List<int> ids)
    {
        if (takesWholes && tokens.Find(piece) is var whole and >= 0 && whole < size)
        {
            ids.Add(whole);
            return;
        }

        int[]? rented = piece.Length > 256 ? ArrayPool<int>.Shared.Rent(piece.Length) : null;
        Span<int> parts = rented ?? stackalloc int[256];
        EncodeParts(piece, parts, ids);
        if (rented is not null) ArrayPool<int>.Shared.Return(rented);
    }

    /// <summary>Merges between characters that have no token; no merge crosses those.</summary>
    private void EncodeParts(ReadOnlySpan<byte> piece, Span<int> parts, List<int> ids)
    {
        int count = 0, from = ids.Count;
        for (int i = 0, length; i < piece.Length; i += length)
        {
            length = isByteLevel ? 1 : Characters.FirstLength(piece[i..]);
            int id = length == 1 ? byteIds[piece[i]] : tokens.Find(piece.Slice(i, length));
            if (id >= 0) parts[count++] = id;
            else
            {
                Flush(parts[..count], ids, from);
                count = 0;
                fallback.Add(piece.Slice(i, length), ids, from);
            }
        }

        Flush(parts[..count], ids, from);
    }

    private void Flush(Span<int> parts, List<int> ids, int from)
    {
        foreach (int id in parts[..Merger.Merge(parts, pairs)])
            if (id < size) ids.Add(id);
            else fallback.Add(helpers[id - size], ids, from);
    }
}
