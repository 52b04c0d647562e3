namespace Mayfly.Benches;

/// <summary>A device by its data sheet.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="BytesPerSecond">Of its memory.</param>
/// <param name="FlopsPerSecond">In single precision, without tensor cores.</param>
internal sealed record Card(string Name, double BytesPerSecond, double FlopsPerSecond)
{
    /// <summary>The seconds that a call takes at least, since the device moves and computes at once.</summary>
    public double Seconds(KernelCost call) => Math.Max(call.Bytes / BytesPerSecond, call.Flops / FlopsPerSecond);

    /// <summary>NVIDIA's H100 SXM5: "NVIDIA H100 Tensor Core GPU Architecture" (2022).</summary>
    public static Card H100 { get; } = new("H100 SXM", 3.35e12, 66.9e12);

    /// <summary>NVIDIA's GeForce RTX 4090: "NVIDIA Ada GPU Architecture" (2022).</summary>
    public static Card Rtx4090 { get; } = new("RTX 4090", 1.008e12, 82.6e12);
}
