using System.Text;

namespace Mayfly;

/// <summary>GPT-2's printable characters for the 256 bytes, as its files have them (bytes_to_unicode of its encoder.py).</summary>
internal static class ByteAlphabet
{
    private const int Shifted = 256; // the first character of bytes that have no printable one

    private static readonly char[] Characters = Make();
    private static readonly Dictionary<char, byte> Bytes = Enumerable.Range(0, 256).ToDictionary(b => Characters[b], b => (byte)b);

    /// <summary>Bytes as characters.</summary>
    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (byte b in bytes) text.Append(Characters[b]);
        return text.ToString();
    }

    /// <summary>The bytes of characters, or null where one stands for none.</summary>
    public static byte[]? Read(string text)
    {
        var bytes = new byte[text.Length];
        for (int i = 0; i < bytes.Length; i++)
            if (!Bytes.TryGetValue(text[i], out bytes[i])) return null;
        return bytes;
    }

    private static char[] Make()
    {
        var characters = new char[256];
        int next = Shifted;
        for (int b = 0; b < 256; b++) characters[b] = (char)(b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? b : next++);
        return characters;
    }
}
