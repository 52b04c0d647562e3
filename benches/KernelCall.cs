namespace Mayfly.Benches;

/// <summary>What one call of a kernel has to do, by its operands' shapes.</summary>
/// <param name="Kind">The kernel and its formula.</param>
/// <param name="Bytes">What it must read and write: each distinct element of each operand once, however often the kernel needs it.</param>
/// <param name="Flops">Additions and multiplications of matrix products. Other kernels count none: their bytes take longer than their arithmetic.</param>
internal readonly record struct KernelCall(string Kind, double Bytes, double Flops = 0)
{
    /// <summary>The seconds that the call takes at least on a device that moves and computes at once.</summary>
    public double Seconds(Card card) => Math.Max(Bytes / card.BytesPerSecond, Flops / card.FlopsPerSecond);
}

/// <summary>A device by its data sheet.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="BytesPerSecond">Of its memory.</param>
/// <param name="FlopsPerSecond">In single precision, without tensor cores.</param>
internal sealed record Card(string Name, double BytesPerSecond, double FlopsPerSecond)
{
    /// <summary>NVIDIA's H100 SXM5: "NVIDIA H100 Tensor Core GPU Architecture" (2022).</summary>
    public static Card H100 { get; } = new("H100 SXM", 3.35e12, 66.9e12);

    /// <summary>NVIDIA's GeForce RTX 4090: "NVIDIA Ada GPU Architecture" (2022).</summary>
    public static Card Rtx4090 { get; } = new("RTX 4090", 1.008e12, 82.6e12);
}
