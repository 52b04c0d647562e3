using System.Buffers;
using System.Text;

namespace Mayfly;

/// <summary>Finds tokens in a text, from the left, the longest first.</summary>
internal sealed class TokenFinder
{
    private readonly Trie trie = new();
    private readonly AddedToken[] tokens;
    private readonly SearchValues<byte> firsts;

    /// <summary>Looks for some tokens.</summary>
    public TokenFinder(IEnumerable<AddedToken> tokens)
    {
        this.tokens = [.. tokens.Where(token => token.Content.Length > 0)];
        byte[][] contents = [.. this.tokens.Select(token => Encoding.UTF8.GetBytes(token.Content))];
        for (int i = 0; i < contents.Length; i++) trie.Add(contents[i], i);
        firsts = SearchValues.Create([.. contents.Select(bytes => bytes[0]).Distinct()]);
    }

    /// <summary>The stretches of a text, with the id of those that are tokens and -1 for the others; none is empty.</summary>
    public IEnumerable<(int Start, int Length, int Id)> Find(byte[] text)
    {
        int done = 0;
        for (int at = 0; Next(text, at) is var (start, end, token); at = end)
        {
            if (token.StripsLeft) start = done + text.AsSpan(done, start - done).TrimEnd(White).Length;
            if (token.StripsRight) end = text.Length - text.AsSpan(end).TrimStart(White).Length;
            if (start > done) yield return (done, start - done, -1);
            yield return (start, end - start, token.Id);
            done = end;
        }

        if (done < text.Length) yield return (done, text.Length - done, -1);
    }

    private static ReadOnlySpan<byte> White => " \t\r\n\v\f"u8;

    private (int Start, int End, AddedToken Token)? Next(byte[] text, int at)
    {
        while (at < text.Length && text.AsSpan(at).IndexOfAny(firsts) is var skipped and >= 0)
        {
            at += skipped;
            var (index, length) = trie.Longest(text.AsSpan(at));
            if (index >= 0 && (!tokens[index].IsWord || IsWord(text, at, at + length))) return (at, at + length, tokens[index]);
            at++;
        }

        return null;
    }

    private static bool IsWord(byte[] text, int start, int end)
    {
        _ = Rune.DecodeLastFromUtf8(text.AsSpan(0, start), out var before, out _);
        _ = Rune.DecodeFromUtf8(text.AsSpan(end), out var after, out _);
        return (start == 0 || !IsLetter(before)) && (end == text.Length || !IsLetter(after));
    }

    private static bool IsLetter(Rune rune) => Rune.IsLetterOrDigit(rune) || rune.Value == '_';
}
