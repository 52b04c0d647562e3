namespace Mayfly;

/// <summary>
/// A hyper-parameter of a formula, which <see cref="ILane{V}.Of(Hyper)"/> takes in the lane's own precision: as a double where the lane
/// is one, else rounded to single precision. The double is kept as bits, which no GPU kernel reads.
/// </summary>
public readonly struct Hyper
{
    private readonly long bits;

    /// <summary>The number in single precision.</summary>
    public readonly float Single;

    /// <summary>Takes the number.</summary>
    public Hyper(double value) : this(BitConverter.DoubleToInt64Bits(value), (float)value)
    {
    }

    private Hyper(long bits, float single) => (this.bits, Single) = (bits, single);

    /// <summary>The number as it was given.</summary>
    public double Double => BitConverter.Int64BitsToDouble(bits);

    /// <summary>A number as a constant.</summary>
    public static implicit operator Hyper(double value) => new(value);

    /// <summary>A number that a kernel has: in single precision alone.</summary>
    internal static Hyper Of(float single) => new(0, single);
}
