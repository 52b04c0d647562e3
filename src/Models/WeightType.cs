namespace Mayfly;

/// <summary>How the matrices and tables of a model are stored in a file; vectors are F32 in GGUF.</summary>
public enum WeightType
{
    /// <summary>Single precision: every bit of the model.</summary>
    F32,

    /// <summary>Half precision: magnitudes up to 65504.</summary>
    F16,

    /// <summary>16-bit brain float.</summary>
    BF16,

    /// <summary>GGUF's Q8_0: 32 whole numbers of 8 bits share a scale.</summary>
    Q8,
}

/// <summary>The types by their names, as <c>q8_0</c>.</summary>
internal static class WeightTypes
{
    private static readonly string[] All = ["f32", "f16", "bf16", "q8_0"];

    /// <summary>The name in GGML and in safetensors.</summary>
    public static string NameOf(this WeightType type) => All[(int)type].ToUpperInvariant();
}
