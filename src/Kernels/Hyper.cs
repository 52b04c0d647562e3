namespace Mayfly;

/// <summary>
/// A hyper-parameter of a formula, which <see cref="ILane{V}.Of(Hyper)"/> takes in the lane's own precision: as a double where the lane
/// is one, else rounded to single precision. The double is kept as bits, which no GPU kernel reads.
/// </summary>
/// <param name="value">The number.</param>
public readonly struct Hyper(double value)
{
    private readonly long bits = BitConverter.DoubleToInt64Bits(value);

    /// <summary>The number in single precision.</summary>
    public readonly float Single = (float)value;

    /// <summary>The number as it was given.</summary>
    public double Double => BitConverter.Int64BitsToDouble(bits);

    /// <summary>A number as a constant.</summary>
    public static implicit operator Hyper(double value) => new(value);
}
