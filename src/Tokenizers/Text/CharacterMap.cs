using System.Buffers.Binary;

namespace Mayfly;

/// <summary>
/// SentencePiece's compiled character map: a double array of the texts that are replaced, and after it the replacements, each ended by a
/// zero. The array's units are as in Darts-clone.
/// </summary>
internal sealed class CharacterMap
{
    private readonly uint[] units;
    private readonly byte[] texts;

    private CharacterMap(uint[] units, byte[] texts) => (this.units, this.texts) = (units, texts);

    /// <summary>Reads Hugging Face's <c>precompiled_charsmap</c>, which is base64.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    public static CharacterMap Read(JsonPart part)
    {
        var field = part["precompiled_charsmap"];
        var bytes = new byte[field.Text.Length];
        if (!Convert.TryFromBase64String(field.Text, bytes, out int length)) throw field.Bad("it is not base64.");
        return Of(bytes.AsSpan(0, length)) ?? throw field.Bad("its array does not fit its length.");
    }

    /// <summary>The map in bytes, or null where they are none.</summary>
    public static CharacterMap? Of(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < sizeof(uint)) return null;
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size % sizeof(uint) != 0 || size > bytes.Length - sizeof(uint)) return null;
        var units = new uint[size / sizeof(uint)];
        for (int i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * (i + 1))..]);
        return new CharacterMap(units, bytes[(sizeof(uint) + (int)size)..].ToArray());
    }

    /// <summary>The text with its replacements, the longest first.</summary>
    public byte[] Apply(byte[] bytes)
    {
        var result = new List<byte>(bytes.Length);
        for (int i = 0, length; i < bytes.Length; i += length)
        {
            (int text, length) = Longest(bytes.AsSpan(i));
            if (length > 0) result.AddRange(Text(text));
            else result.AddRange(bytes.AsSpan(i, length = Characters.FirstLength(bytes.AsSpan(i))));
        }

        return [.. result];
    }

    private ReadOnlySpan<byte> Text(int start)
    {
        if ((uint)start >= (uint)texts.Length) return [];
        var rest = texts.AsSpan(start);
        return rest.IndexOf((byte)0) is var end and >= 0 ? rest[..end] : rest;
    }

    private (int Text, int Length) Longest(ReadOnlySpan<byte> bytes)
    {
        var best = (0, 0);
        if (units.Length == 0) return best;
        uint node = Offset(units[0]);
        for (int i = 0; i < bytes.Length; i++)
        {
            node ^= bytes[i];
            if (bytes[i] == 0 || node >= units.Length || (units[node] & 0x800000FF) != bytes[i]) break;
            bool ends = ((units[node] >> 8) & 1) != 0;
            node ^= Offset(units[node]);
            if (ends && node < units.Length) best = ((int)(units[node] & int.MaxValue), i + 1);
        }

        return best;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & (1u << 9)) >> 6);
}
