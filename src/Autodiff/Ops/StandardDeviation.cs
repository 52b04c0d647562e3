namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The standard deviation of all elements, of shape (): the root of <see cref="Variance(Tensor, int)"/>.</summary>
    /// <remarks>Backward: dx = dy (x - mean) / ((count - correction) y).</remarks>
    /// <exception cref="ArgumentException">There are no more elements than the correction.</exception>
    public static Tensor StandardDeviation(this Tensor x, int correction = 1) => x.Variance(correction).Sqrt();

    /// <summary>
    /// The standard deviation over the given axes (negative ones count from the last), the root of the variance; its gradient is not finite
    /// where all elements are equal.
    /// </summary>
    /// <remarks>Backward: dx = dy (x - mean) / ((count - correction) y).</remarks>
    /// <exception cref="ArgumentException">
    /// An axis does not exist, is named twice, or has no more elements than the correction.
    /// </exception>
    public static Tensor StandardDeviation(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false, int correction = 1) =>
        x.Variance(axes, keepAxes, correction).Sqrt();
}
