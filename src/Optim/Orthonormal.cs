namespace Mayfly;

/// <summary>Rows of length 1 at right angles, from rows that may be neither.</summary>
internal static class Orthonormal
{
    /// <summary>Less of a row's length left after the projection is rounding: the row lies in the span of those before it.</summary>
    private const double Independent = 1e-4;

    /// <summary>
    /// Gram and Schmidt's method, each row projected twice, which is enough (Kahan and Parlett). A row that lies in the span of those
    /// before it gives way to a unit vector that does not.
    /// </summary>
    /// <param name="rows">(count, length), changed; count is at most length.</param>
    /// <param name="count">The number of rows.</param>
    /// <param name="length">The length of a row.</param>
    public static float[] Rows(double[] rows, int count, int length)
    {
        int spare = 0;
        for (int k = 0; k < count; k++)
        {
            var row = rows.AsSpan(k * length, length);
            while (!TryProject(rows.AsSpan(0, k * length), row))
            {
                row.Clear();
                row[spare++] = 1;
            }
        }

        return Array.ConvertAll(rows, x => (float)x);
    }

    private static bool TryProject(ReadOnlySpan<double> before, Span<double> row)
    {
        double length = Norm(row);
        if (!(length > 0 && double.IsFinite(length))) return false;
        Scale(row, 1 / length);
        for (int pass = 0; pass < 2; pass++)
        {
            for (int i = 0; i < before.Length; i += row.Length) TakeAway(before.Slice(i, row.Length), row);
            double left = Norm(row);
            if (left < Independent) return false;
            Scale(row, 1 / left);
        }

        return true;
    }

    private static void TakeAway(ReadOnlySpan<double> unit, Span<double> row)
    {
        double share = 0;
        for (int i = 0; i < row.Length; i++) share += unit[i] * row[i];
        for (int i = 0; i < row.Length; i++) row[i] -= share * unit[i];
    }

    private static double Norm(ReadOnlySpan<double> row)
    {
        double sum = 0;
        foreach (double x in row) sum += x * x;
        return Math.Sqrt(sum);
    }

    private static void Scale(Span<double> row, double factor)
    {
        foreach (ref double x in row) x *= factor;
    }
}
