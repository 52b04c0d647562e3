using System.Runtime.InteropServices;

namespace Mayfly;

/// <summary>How GGUF stores a tensor's elements, in its numbers.</summary>
/// <param name="Name">Its name in GGML.</param>
/// <param name="Block">The elements that are stored together.</param>
/// <param name="Bytes">The bytes of a block.</param>
/// <param name="Widen">Turns blocks into floats.</param>
internal sealed record GgufType(string Name, int Block, int Bytes, GgufType.Widener Widen)
{
    /// <summary>Turns whole blocks into floats.</summary>
    public delegate void Widener(ReadOnlySpan<byte> blocks, Span<float> values);

    private const int QuantizedBlock = 32;

    private static readonly Dictionary<uint, GgufType> Known = new()
    {
        [0] = new("F32", 1, sizeof(float), (blocks, values) => SafeTensors.Convert("F32", blocks, values)),
        [1] = new("F16", 1, sizeof(ushort), (blocks, values) => SafeTensors.Convert("F16", blocks, values)),
        [8] = new("Q8_0", QuantizedBlock, sizeof(ushort) + QuantizedBlock, WidenQ8),
        [30] = new("BF16", 1, sizeof(ushort), (blocks, values) => SafeTensors.Convert("BF16", blocks, values)),
    };

    /// <summary>The names of GGML's other types, for messages.</summary>
    private static readonly Dictionary<uint, string> Others = new()
    {
        [2] = "Q4_0", [3] = "Q4_1", [6] = "Q5_0", [7] = "Q5_1", [10] = "Q2_K", [11] = "Q3_K", [12] = "Q4_K", [13] = "Q5_K", [14] = "Q6_K",
        [24] = "I8", [25] = "I16", [26] = "I32", [27] = "I64", [28] = "F64",
    };

    /// <summary>The names of those that are read.</summary>
    public static string Names => string.Join(", ", Known.Values.Select(type => type.Name));

    /// <summary>The type of a number, or null.</summary>
    public static GgufType? Of(uint number) => Known.GetValueOrDefault(number);

    /// <summary>The name of a number.</summary>
    public static string NameOf(uint number) => Of(number)?.Name ?? Others.GetValueOrDefault(number) ?? $"type {number}";

    /// <summary>A scale of 16 bits and 32 whole numbers of 8.</summary>
    private static void WidenQ8(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (int i = 0; i < values.Length; i += QuantizedBlock)
        {
            float scale = (float)MemoryMarshal.Read<Half>(blocks);
            for (int j = 0; j < QuantizedBlock; j++) values[i + j] = scale * (sbyte)blocks[sizeof(ushort) + j];
            blocks = blocks[(sizeof(ushort) + QuantizedBlock)..];
        }
    }
}
