namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>The variance of all elements, of shape (): as over axes.</summary>
    /// <remarks>Backward: dx = 2 dy (x - mean) / (count - correction).</remarks>
    /// <exception cref="ArgumentException">There are no more elements than the correction.</exception>
    public static Tensor Variance(this Tensor x, int correction = 1) => x.Variance(Axes.All(x), correction: correction);

    /// <summary>
    /// The variance over the given axes (negative ones count from the last): the sum of (x - mean)^2, divided by their count less
    /// <paramref name="correction"/>, which is 1 for a sample's (Bessel's) and 0 for that of a whole population.
    /// </summary>
    /// <remarks>Backward: dx = 2 dy (x - mean) / (count - correction).</remarks>
    /// <exception cref="ArgumentException">
    /// An axis does not exist, is named twice, or has no more elements than the correction.
    /// </exception>
    public static Tensor Variance(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false, int correction = 1)
    {
        var call = Op.Begin("Variance", x);
        long count = x.Count / Math.Max(1, Axes.Reduced(call, x.Shape, axes).Count);
        if (count <= correction)
            throw call.Error($"{count} elements of shape {x.Shape} and a correction of {correction}; there must be more elements.");
        using var mean = x.Mean(axes, keepAxes: true);
        using var squares = x.Map(mean, new SquaredDifference(), "Variance");
        using var sum = squares.Sum(axes, keepAxes);
        return sum / (count - correction);
    }
}
