using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>How GGUF stores a tensor's elements.</summary>
/// <param name="Number">Its number in GGML.</param>
/// <param name="Name">Its name in GGML.</param>
/// <param name="Block">The elements that are stored together.</param>
/// <param name="Bytes">The bytes of a block.</param>
/// <param name="Widen">Turns blocks into floats.</param>
/// <param name="Narrow">Turns floats into blocks.</param>
internal sealed record GgufType(uint Number, string Name, int Block, int Bytes, GgufType.Widener Widen, GgufType.Narrower Narrow)
{
    /// <summary>Turns whole blocks into floats.</summary>
    public delegate void Widener(ReadOnlySpan<byte> blocks, Span<float> values);

    /// <summary>Turns floats into whole blocks.</summary>
    public delegate void Narrower(ReadOnlySpan<float> values, Span<byte> blocks);

    private const int QuantizedBlock = 32, QuantizedBytes = sizeof(ushort) + QuantizedBlock, Largest = 127;

    private static readonly GgufType[] Known =
    [
        Plain(0, "F32", sizeof(float)), Plain(1, "F16", sizeof(ushort)), new(8, "Q8_0", QuantizedBlock, QuantizedBytes, WidenQ8, NarrowQ8),
        Plain(30, "BF16", sizeof(ushort)),
    ];

    /// <summary>The names of GGML's other types, for messages.</summary>
    private static readonly Dictionary<uint, string> Others = new()
    {
        [2] = "Q4_0", [3] = "Q4_1", [6] = "Q5_0", [7] = "Q5_1", [10] = "Q2_K", [11] = "Q3_K", [12] = "Q4_K", [13] = "Q5_K", [14] = "Q6_K",
        [24] = "I8", [25] = "I16", [26] = "I32", [27] = "I64", [28] = "F64",
    };

    /// <summary>The names of those that are known.</summary>
    public static string Names => string.Join(", ", Known.Select(type => type.Name));

    /// <summary>The type of a number, or null.</summary>
    public static GgufType? Of(uint number) => Array.Find(Known, type => type.Number == number);

    /// <summary>The type of a name.</summary>
    public static GgufType Named(string name) => Array.Find(Known, type => type.Name == name)!;

    /// <summary>The name of a number.</summary>
    public static string NameOf(uint number) => Of(number)?.Name ?? Others.GetValueOrDefault(number) ?? $"type {number}";

    /// <summary>Elements that are stored one by one, as in safetensors.</summary>
    private static GgufType Plain(uint number, string name, int bytes) => new(number, name, 1, bytes,
        (blocks, values) => SafeTensors.Convert(name, blocks, values), (values, blocks) => SafeTensors.Narrow(name, values, blocks));

    /// <summary>A scale of 16 bits and 32 whole numbers of 8.</summary>
    private static void WidenQ8(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (int i = 0; i < values.Length; i += QuantizedBlock)
        {
            float scale = (float)MemoryMarshal.Read<Half>(blocks);
            for (int j = 0; j < QuantizedBlock; j++) values[i + j] = scale * (sbyte)blocks[sizeof(ushort) + j];
            blocks = blocks[QuantizedBytes..];
        }
    }

    /// <summary>
    /// The largest magnitude of a block becomes 127 (quantize_row_q8_0 of ggml): with a scale d each value is off by d / 2 at most, and by
    /// 127 times what rounding the scale to 16 bits makes it off.
    /// </summary>
    private static void NarrowQ8(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        for (; values.Length > 0; values = values[QuantizedBlock..], blocks = blocks[QuantizedBytes..])
        {
            float largest = 0;
            foreach (float value in values[..QuantizedBlock]) largest = Math.Max(largest, Math.Abs(value));
            float scale = largest / Largest, inverse = scale == 0 ? 0 : 1 / scale;
            MemoryMarshal.Write(blocks, (Half)scale);
            for (int j = 0; j < QuantizedBlock; j++)
                blocks[sizeof(ushort) + j] = (byte)(sbyte)Math.Clamp(
                    MathF.Round(values[j] * inverse, MidpointRounding.AwayFromZero), -Largest, Largest);
        }
    }
}
