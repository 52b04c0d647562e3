using System.Globalization;

namespace Mayfly;

/// <summary>The tokens that stand for single bytes: <c>&lt;0x0A&gt;</c>.</summary>
internal static class ByteToken
{
    private const int Length = 6;

    /// <summary>The byte of a token, or -1.</summary>
    public static int Of(ReadOnlySpan<byte> token) => token.Length == Length && token.StartsWith("<0x"u8) && token[5] == '>'
        && byte.TryParse(token[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : -1;

    /// <summary>The ids of the 256 bytes, -1 for those that have none; null where none has.</summary>
    public static int[]? Ids(byte[]?[] tokens, Func<int, bool> isByte)
    {
        var ids = new int[256];
        Array.Fill(ids, -1);
        for (int id = 0; id < tokens.Length; id++)
            if (tokens[id] is { } token && isByte(id) && Of(token) is var value and >= 0) ids[value] = id;
        return ids.Any(id => id >= 0) ? ids : null;
    }
}
