namespace Mayfly;

/// <summary>Replaces one text by another.</summary>
internal static class ByteReplacer
{
    /// <summary>Makes a replacement; an empty text is found nowhere.</summary>
    public static Func<byte[], byte[]> Of(byte[] old, byte[] replacement) => bytes => Replace(bytes, old, replacement);

    /// <summary>The bytes with every occurrence replaced, from the left.</summary>
    public static byte[] Replace(byte[] bytes, byte[] old, byte[] replacement)
    {
        if (old.Length == 0 || bytes.AsSpan().IndexOf(old) < 0) return bytes;
        var result = new List<byte>(bytes.Length + bytes.Length / 4);
        int from = 0;
        for (int at; (at = bytes.AsSpan(from).IndexOf(old)) >= 0; from += at + old.Length)
        {
            result.AddRange(bytes.AsSpan(from, at));
            result.AddRange(replacement);
        }

        result.AddRange(bytes.AsSpan(from));
        return [.. result];
    }
}
