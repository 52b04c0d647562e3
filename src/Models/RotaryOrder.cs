namespace Mayfly;

/// <summary>
/// Both orders of the rows of queries and keys: what turns together are rows 2i and 2i + 1 of a head, or i and i + D / 2.
/// </summary>
internal static class RotaryOrder
{
    /// <summary>Which row of the one order is a row of the other.</summary>
    /// <param name="row">A row of all heads.</param>
    /// <param name="size">D, the size of a head.</param>
    /// <param name="toHalves">True for a row of the order with i and i + D / 2.</param>
    public static long Source(long row, int size, bool toHalves)
    {
        long half = size / 2, at = row % size;
        return row - at + (toHalves ? 2 * (at % half) + at / half : at / 2 + at % 2 * half);
    }

    /// <summary>Matrices with their rows in the other order.</summary>
    public static float[] Turned(float[] values, int columns, int size, bool toHalves)
    {
        var turned = new float[values.Length];
        for (int row = 0; row < values.Length / columns; row++)
            values.AsSpan((int)Source(row, size, toHalves) * columns, columns).CopyTo(turned.AsSpan(row * columns));
        return turned;
    }
}
