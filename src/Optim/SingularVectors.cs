using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Mayfly;

/// <summary>Singular vectors of a matrix in host memory.</summary>
internal static class SingularVectors
{
    /// <summary>
    /// The first singular vectors of the smaller side (of the columns where the matrix is square), row by row; null for a matrix of zeros. Their signs
    /// are arbitrary. The long side is folded away by a QR decomposition first, so that no matrix is larger than the given one.
    /// </summary>
    /// <param name="values">The matrix (rows, columns), row-major; overwritten.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="count">How many, at most the smaller side.</param>
    public static float[]? OfSmallerSide(float[] values, int rows, int columns, int count)
    {
        if (!TryScale(values)) return null;
        var transposed = Matrix<float>.Build.Dense(columns, rows, values); // stored by columns
        var tall = rows >= columns ? transposed.Transpose() : transposed;
        var square = rows == columns ? tall : tall.QR(QRMethod.Thin).R;
        var vectors = square.Svd().VT;
        return vectors.SubMatrix(0, count, 0, vectors.ColumnCount).ToRowMajorArray();
    }

    /// <summary>Brings the largest magnitude to 1, so that squares neither overflow nor vanish.</summary>
    private static bool TryScale(Span<float> values)
    {
        float largest = 0;
        foreach (float value in values) largest = Math.Max(largest, Math.Abs(value));
        if (largest == 0) return false;
        foreach (ref float value in values) value /= largest;
        return true;
    }
}
