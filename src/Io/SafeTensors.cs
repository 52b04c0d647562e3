using System.Numerics;
using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>
/// Facts of the safetensors format (https://github.com/huggingface/safetensors): an 8-byte little-endian header length, a JSON header
/// <c>{name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {string: string}}</c>, then the tensors' raw row-major bytes.
/// </summary>
public static class SafeTensors
{
    /// <summary>The longest header a reader accepts, in bytes.</summary>
    public const int LongestHeader = 100_000_000;

    /// <summary>The header's property that holds free strings and no tensor.</summary>
    internal const string MetadataName = "__metadata__";

    /// <summary>Bytes moved at a time.</summary>
    internal const int ChunkBytes = 1 << 20;

    /// <summary>
    /// Each dtype as the format names it, the bits of an element, and the .NET type that has them, if there is one. Those of the reference
    /// library; what no .NET type has can lie beside what is read.
    /// </summary>
    private static readonly (string Name, int Bits, Type? Element)[] Types =
    [
        ("F64", 64, typeof(double)), ("F32", 32, typeof(float)), ("F16", 16, typeof(Half)), ("BF16", 16, null),
        ("I64", 64, typeof(long)), ("I32", 32, typeof(int)), ("I16", 16, typeof(short)), ("I8", 8, typeof(sbyte)),
        ("U64", 64, typeof(ulong)), ("U32", 32, typeof(uint)), ("U16", 16, typeof(ushort)), ("U8", 8, typeof(byte)),
        ("BOOL", 8, null), ("F8_E4M3", 8, null), ("F8_E5M2", 8, null), ("F8_E8M0", 8, null), ("F6_E2M3", 6, null), ("F6_E3M2", 6, null),
        ("F4", 4, null), ("C64", 64, null),
    ];

    /// <summary>The names of all dtypes, for messages.</summary>
    internal static string TypeNames => string.Join(' ', Types.Select(type => type.Name));

    /// <summary>Bits of one element of a dtype as the format names it; 0 for an unknown one.</summary>
    internal static int BitsOf(string dtype) => Array.Find(Types, type => type.Name == dtype).Bits;

    /// <summary>Bytes of one element of a dtype that has whole bytes.</summary>
    internal static int SizeOf(string dtype) => BitsOf(dtype) / 8;

    /// <summary>The name of a dtype as <see cref="Types"/> holds it; null for an unknown one.</summary>
    internal static string? Known(ReadOnlySpan<char> dtype)
    {
        foreach (var type in Types)
            if (dtype.SequenceEqual(type.Name)) return type.Name;
        return null;
    }

    /// <summary>The format's name of a .NET element type.</summary>
    internal static string NameOf<T>() where T : unmanaged => Array.Find(Types, type => type.Element == typeof(T)).Name
        ?? throw new NotSupportedException($"SafeTensors: {typeof(T).Name} elements; use double, float, Half or whole numbers.");

    /// <summary>The type and the extents under which a tensor is written; of groups with a scale the format knows the bytes only.</summary>
    internal static (string Type, long[] Sizes) StoredAs(Shape shape, DType type)
    {
        if (type == DType.Int8) return ("U8", [type.Bytes(shape.Count)]);
        var sizes = new long[shape.Rank];
        shape.CopyTo(sizes);
        return (type.ToString(), sizes);
    }

    /// <summary>True where <see cref="Convert"/> knows the way from a stored type to T.</summary>
    internal static bool Converts<T>(string dtype) where T : unmanaged =>
        dtype == NameOf<T>() || (typeof(T) == typeof(float) || typeof(T) == typeof(double)) && dtype is "F64" or "F32" or "F16" or "BF16";

    /// <summary>
    /// Turns stored bytes into elements: the same bits for the same type, rounded to nearest between floating-point types.
    /// </summary>
    internal static void Convert<T>(string dtype, ReadOnlySpan<byte> stored, Span<T> values) where T : unmanaged, INumber<T>
    {
        if (dtype == NameOf<T>()) stored.CopyTo(MemoryMarshal.AsBytes(values));
        else if (dtype == "F64") Round(MemoryMarshal.Cast<byte, double>(stored), values);
        else if (dtype == "F32") Round(MemoryMarshal.Cast<byte, float>(stored), values);
        else if (dtype == "F16") Round(MemoryMarshal.Cast<byte, Half>(stored), values);
        else WidenBrainFloats(MemoryMarshal.Cast<byte, ushort>(stored), values);
    }

    /// <summary>False where one of the elements, stored in whole, is an infinity or NaN: all bits of its exponent are set.</summary>
    internal static bool AreFinite(string dtype, ReadOnlySpan<byte> stored) => dtype switch
    {
        "F64" => !HasExponent<ulong>(MemoryMarshal.Cast<byte, ulong>(stored), 0x7FF0_0000_0000_0000),
        "F32" => !HasExponent<uint>(MemoryMarshal.Cast<byte, uint>(stored), 0x7F80_0000u),
        "BF16" => !HasExponent<ushort>(MemoryMarshal.Cast<byte, ushort>(stored), 0x7F80),
        "F16" => !HasExponent<ushort>(MemoryMarshal.Cast<byte, ushort>(stored), 0x7C00),
        _ => true,
    };

    /// <summary>Floats as a floating-point type stores them, rounded to nearest.</summary>
    internal static void Narrow(string dtype, ReadOnlySpan<float> values, Span<byte> stored)
    {
        if (dtype == "F32") MemoryMarshal.AsBytes(values).CopyTo(stored);
        else if (dtype == "F16") Round(values, MemoryMarshal.Cast<byte, Half>(stored));
        else NarrowBrainFloats(values, MemoryMarshal.Cast<byte, ushort>(stored));
    }

    private static bool HasExponent<T>(ReadOnlySpan<T> bits, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var all = new Vector<T>(exponent);
        int i = 0;
        for (; i <= bits.Length - Vector<T>.Count; i += Vector<T>.Count)
            if (Vector.EqualsAny(new Vector<T>(bits[i..]) & all, all)) return true;
        for (; i < bits.Length; i++)
            if ((bits[i] & exponent) == exponent) return true;
        return false;
    }

    private static void Round<TFrom, T>(ReadOnlySpan<TFrom> from, Span<T> to) where TFrom : INumber<TFrom> where T : INumber<T>
    {
        for (int i = 0; i < to.Length; i++) to[i] = T.CreateTruncating(from[i]);
    }

    /// <summary>Ties go to even; a NaN stays one.</summary>
    private static void NarrowBrainFloats(ReadOnlySpan<float> from, Span<ushort> to)
    {
        for (int i = 0; i < to.Length; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(from[i]);
            to[i] = (ushort)((float.IsNaN(from[i]) ? bits | 0x40_0000 : bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
        }
    }

    /// <summary>A brain float is the upper half of a float.</summary>
    private static void WidenBrainFloats<T>(ReadOnlySpan<ushort> from, Span<T> to) where T : INumber<T>
    {
        for (int i = 0; i < to.Length; i++) to[i] = T.CreateTruncating(BitConverter.UInt32BitsToSingle((uint)from[i] << 16));
    }
}

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type as the file names it, as F32 or BF16.</param>
/// <param name="Sizes">Its extents, outermost first.</param>
/// <param name="Begin">Its first byte, counted from the end of the header.</param>
/// <param name="End">The byte after its last.</param>
public sealed record SafeTensorEntry(string Name, string Type, IReadOnlyList<long> Sizes, long Begin, long End)
{
    /// <summary>The number of elements.</summary>
    public long Count => Sizes.Aggregate(1L, (count, size) => count * size);

    /// <summary>The extents as in <c>(12, 64, 128)</c>.</summary>
    public string SizeText => Sizes.Count <= MostShown ? $"({string.Join(", ", Sizes)})"
        : $"({string.Join(", ", Sizes.Take(MostShown))}, ... {Sizes.Count} in all)";

    private const int MostShown = 8;

    internal bool Fits(Shape shape)
    {
        if (shape.Rank != Sizes.Count) return false;
        for (int i = 0; i < shape.Rank; i++)
            if (shape[i] != Sizes[i]) return false;
        return true;
    }
}
