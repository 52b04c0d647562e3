namespace Mayfly;

/// <summary>The numbers in which large matrix products take their operands. Sums are in single precision.</summary>
public enum ProductPrecision
{
    /// <summary>Single precision, as everything else.</summary>
    Fp32,

    /// <summary>TF32: eight bits of exponent and ten digits behind the point, by tensor cores.</summary>
    Tf32,

    /// <summary>BF16: eight bits of exponent and seven digits behind the point, by tensor cores.</summary>
    Bf16,
}
