namespace Mayfly;

/// <summary>Turns a piece of text, which no token crosses, into ids.</summary>
internal interface IWordModel
{
    /// <summary>Adds the ids of a piece.</summary>
    /// <exception cref="InputException">The vocabulary lacks a part of it.</exception>
    void Encode(ReadOnlySpan<byte> piece, List<int> ids);
}
