namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The cosine of the angle between the vectors on the last axes, sum(a b) / sqrt(sum(a^2) sum(b^2)), where a root below
    /// <paramref name="epsilon"/> counts as epsilon: (..., C) and (..., C), whose leading axes broadcast -> (...).
    /// </summary>
    /// <remarks>Backward: with r the root: da = dy (b / r - y a / sum(a^2)), db alike, summed where an input was repeated.</remarks>
    /// <exception cref="ArgumentException">The shapes do not broadcast, or have no axis.</exception>
    public static Tensor CosineSimilarity(this Tensor a, Tensor b, double epsilon = 1e-8)
    {
        if (a.Rank == 0 || b.Rank == 0 || a.Shape[-1] != b.Shape[-1])
            throw new ArgumentException($"CosineSimilarity: {a.Shape} and {b.Shape}; the last axes must be of one size.");
        using var products = a * b;
        using var inner = products.Sum([-1]);
        using var left = Squares(a);
        using var right = Squares(b);
        using var both = left * right;
        using var lengths = both.Clamp(low: epsilon * epsilon);
        using var root = lengths.Sqrt();
        return inner / root;
    }

    private static Tensor Squares(Tensor x)
    {
        using var squares = x * x;
        return squares.Sum([-1]);
    }
}
