using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

namespace Mayfly;

/// <summary>
/// The first singular vectors of a matrix's smaller side (of the columns where it is square). A small side, or many vectors of it, are
/// decomposed whole by MathNet; else A = X^T X (X X^T of a wide matrix) is multiplied on the device and its first eigenvectors are found
/// by iterating a subspace a little larger than asked for (Halko, Martinsson and Tropp, "Finding structure with randomness", 2011):
/// <code>
/// Q = orthonormal columns, from the vectors of the last time or random
/// until trace(Q^T A Q) grows by less than a hundred-thousandth, or 20 times:   Z = A Q ;   Q, R = qr(Z)
/// Q V,   V the eigenvectors of Q^T A Q
/// </code>
/// Both are computed in double precision and made orthonormal once more, since a decomposition leaves the vectors of equal or vanishing
/// singular values, as of a matrix with repeated rows, short or parallel.
/// </summary>
public static class SingularVectors
{
    private const int WholeSide = 128, Surplus = 16, MostIterations = 20;
    private const double Growth = 1e-5;

    /// <summary>The vectors row by row, (count, smaller side), their signs arbitrary; null for a matrix of zeros.</summary>
    /// <param name="x">The matrix.</param>
    /// <param name="shape">The shape it counts as.</param>
    /// <param name="count">How many, at most the smaller side.</param>
    /// <param name="start">Vectors near to those looked for, (count, smaller side), or zeros.</param>
    public static float[]? OfSmallerSide(Tensor x, Shape shape, int count, Tensor? start = null)
    {
        int side = (int)Math.Min(shape[0], shape[1]), columns = count + Surplus;
        bool isDry = x.Device.Backend.IsDry;
        if (side <= WholeSide || 2 * columns > side)
            return isDry ? null : OfSmallerSide(x.ToArray(), (int)shape[0], (int)shape[1], count);
        if (isDry) return TakeMemory(x, shape, side, columns);
        double norm = Math.Sqrt(x.SumSquares());
        if (norm == 0) return null;
        using var scope = x.Device.Scope("SingularVectors");
        var square = Square(x, shape, side, norm);
        var q = Start(start, side, columns);
        double last = 0;
        for (int i = 1; ; i++)
        {
            var z = Product(square, q);
            var ritz = q.TransposeThisAndMultiply(z);
            double trace = (double)ritz.Diagonal().Sum();
            if (i == MostIterations || trace <= last * (1 + Growth)) return First(q, ritz, count);
            last = trace;
            q = z.QR(QRMethod.Thin).Q;
        }
    }

    /// <summary>The vectors of a matrix in host memory, by MathNet's decomposition of the whole.</summary>
    /// <param name="values">The matrix (rows, columns), row-major; overwritten.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="count">How many, at most the smaller side.</param>
    public static float[]? OfSmallerSide(float[] values, int rows, int columns, int count)
    {
        if (!TryScale(values)) return null;
        var transposed = Matrix<double>.Build.Dense(columns, rows, Array.ConvertAll(values, x => (double)x)); // stored by columns
        var tall = rows >= columns ? transposed.Transpose() : transposed;
        var square = rows == columns ? tall : tall.QR(QRMethod.Thin).R; // the long side is folded away first
        var vectors = square.Svd().VT;
        return Orthonormal.Rows(vectors.SubMatrix(0, count, 0, vectors.ColumnCount).ToRowMajorArray(), count, vectors.ColumnCount);
    }

    /// <summary>
    /// X^T X / |X|^2, or X X^T / |X|^2 of a wide matrix, which is scaled by a power of two first, so that squares neither overflow nor
    /// vanish.
    /// </summary>
    private static Tensor Square(Tensor x, Shape shape, int side, double norm)
    {
        double power = Math.ScaleB(1, -Math.Clamp(Math.ILogB(norm), -126, 126));
        var scaled = Tensor.Empty(x.Device, shape, x.Type, Use.Scratch, "SingularVectors");
        x.Device.Backend.Map(new Affine(power, -0.0), x.Read("SingularVectors").As(shape), scaled.Write("SingularVectors"));
        View v = scaled.Read("SingularVectors"), turned = v.Transposed();
        bool tall = shape[0] >= shape[1];
        return Multiply(tall ? turned : v, tall ? v : turned, x.Device, (side, side), 1 / (norm * power) / (norm * power));
    }

    /// <summary>
    /// Random columns where no vectors are known, or more than those are asked for: a fixed sequence, so that a run repeats.
    /// </summary>
    private static Matrix<float> Start(Tensor? known, int side, int columns)
    {
        var values = new float[side * columns];
        Rng.FillNormal(values, 0, 1, new RandomKey(0, 0));
        if (known is not null && known.SumSquares() > 0) known.ToArray().CopyTo(values, 0);
        return Matrix<float>.Build.Dense(side, columns, values).QR(QRMethod.Thin).Q; // a row of the known is a column here
    }

    private static Matrix<float> Product(Tensor square, Matrix<float> q)
    {
        using var right = Tensor.From<float>(q.ToColumnMajorArray(), (q.ColumnCount, q.RowCount), square.Device);
        using var product = Product(square, right);
        return Matrix<float>.Build.Dense(q.RowCount, q.ColumnCount, product.ToArray());
    }

    /// <summary>Q^T A, A being symmetric.</summary>
    private static Tensor Product(Tensor square, Tensor right) =>
        Multiply(right.Read("SingularVectors"), square.Read("SingularVectors"), square.Device, right.Shape, 1);

    /// <summary>What is done on the device, where nothing is computed.</summary>
    private static float[]? TakeMemory(Tensor x, Shape shape, int side, int columns)
    {
        using var scope = x.Device.Scope("SingularVectors");
        var square = Square(x, shape, side, 1);
        Product(square, Tensor.Empty(x.Device, (columns, side), x.Device.Float, Use.Activation, "From"));
        return null;
    }

    private static Tensor Multiply(View a, View b, Device device, Shape shape, double alpha)
    {
        var y = Tensor.Empty(device, shape, device.Float, Use.Scratch, "SingularVectors");
        device.Backend.Run(new Gemm<Identity> { A = a, B = b, C = y.Write("SingularVectors"), Alpha = alpha });
        return y;
    }

    /// <summary>The first eigenvectors within the subspace; MathNet sorts eigenvalues upwards.</summary>
    private static float[] First(Matrix<float> q, Matrix<float> ritz, int count)
    {
        var symmetric = (ritz + ritz.Transpose()).Divide(2).ToDouble();
        var vectors = symmetric.Evd(Symmetricity.Symmetric).EigenVectors;
        var first = Matrix<double>.Build.Dense(q.ColumnCount, count, (i, k) => vectors[i, q.ColumnCount - 1 - k]);
        return Orthonormal.Rows((q.ToDouble() * first).ToColumnMajorArray(), count, q.RowCount);
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
