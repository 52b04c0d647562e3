namespace Mayfly;

/// <summary>A stretch of text between special tokens, and the pieces it is cut into, in their order.</summary>
/// <param name="Bytes">The text.</param>
/// <param name="Begins">True where the whole text begins with it.</param>
/// <param name="Pieces">The places of the pieces.</param>
internal readonly record struct Cut(byte[] Bytes, bool Begins, List<(int Start, int Length)> Pieces)
{
    /// <summary>A text in one piece; an empty one has none.</summary>
    public static Cut Whole(byte[] bytes, bool begins) => new(bytes, begins, bytes.Length == 0 ? [] : [(0, bytes.Length)]);

    /// <summary>The bytes of a piece.</summary>
    public ReadOnlySpan<byte> Piece((int Start, int Length) piece) => Bytes.AsSpan(piece.Start, piece.Length);
}
