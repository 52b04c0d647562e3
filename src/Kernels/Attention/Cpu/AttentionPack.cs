using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mayfly;

/// <summary>
/// Copies rows of queries, keys and values into the forms that the tiles of attention read, and results back to their places.
/// </summary>
/// <typeparam name="L">The vector width.</typeparam>
internal static unsafe class AttentionPack<L> where L : struct, ISimd<L>
{
    private static int Width => AttentionTiles<L>.Width;

    /// <summary>Dense rows y (rounded up to whole tiles, yStep) = factor x; the rows and elements beyond x are zero.</summary>
    public static void Rows(float* x, nint xStep, int rows, int size, float factor, float* y, int yStep)
    {
        int padded = AttentionShape.RoundUp(rows, AttentionShape.TileRows);
        for (int row = 0; row < rows; row++, x += xStep, y += yStep)
            for (int d = 0; d < size; d += L.Count) L.Store(y + d, L.Of(factor) * Load(x + d, size - d));
        new Span<float>(y, (padded - rows) * yStep).Clear();
    }

    /// <summary>The panel (rows, size) of factor x; its slivers are <paramref name="capacity"/> rows apart.</summary>
    public static void Panel(float* x, nint xStep, int rows, int size, float factor, float* panel, int capacity)
    {
        for (int row = 0; row < rows; row++, x += xStep, panel += Width)
            for (int d = 0; d < size; d += L.Count)
                L.Store(panel + (nint)(d / Width) * Width * capacity + d % Width, L.Of(factor) * Load(x + d, size - d));
    }

    /// <summary>The panel (size, rows) of x transposed; columns beyond the last row are zero.</summary>
    public static void TransposedPanel(float* x, nint xStep, int rows, int size, float* panel)
    {
        int whole = rows / 4 * 4, wholeSize = size / 4 * 4;
        if (rows % Width != 0) new Span<float>(panel + (nint)(rows / Width) * Width * size, Width * size).Clear();
        for (int row = 0; row < whole; row += 4)
        {
            float* from = x + row * xStep, to = Column(panel, row, size);
            for (int d = 0; d < wholeSize; d += 4) Transpose4(from + d, xStep, to + (nint)d * Width, Width);
            for (int i = 0; i < 4; i++) CopyDown(from + i * xStep, wholeSize, size, to + i);
        }

        for (int row = whole; row < rows; row++) CopyDown(x + row * xStep, 0, size, Column(panel, row, size));
    }

    /// <summary>One row y = factor x of <paramref name="size"/> elements; x is padded to whole lanes.</summary>
    public static void Write(float* x, float factor, float* y, int size)
    {
        int d = 0;
        for (; d <= size - L.Count; d += L.Count) L.Store(y + d, L.Of(factor) * L.Load(x + d));
        if (d < size) L.StorePart(y + d, L.Of(factor) * L.Load(x + d), size - d);
    }

    /// <summary>The sum of x y; y is padded with zeros to whole lanes.</summary>
    public static float Dot(float* x, float* y, int size)
    {
        L sum = default;
        for (int d = 0; d < size; d += L.Count) sum = L.Fma(Load(x + d, size - d), L.Load(y + d), sum);
        return (float)L.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static L Load(float* x, int left) => left >= L.Count ? L.Load(x) : L.LoadPart(x, left);

    private static float* Column(float* panel, int column, int size) => panel + (nint)(column / Width) * Width * size + column % Width;

    private static void CopyDown(float* x, int start, int size, float* column)
    {
        for (int d = start; d < size; d++) column[(nint)d * Width] = x[d];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose4(float* x, nint xStep, float* y, nint yStep)
    {
        if (!Sse.IsSupported)
        {
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) y[j * yStep + i] = x[i * xStep + j];
            return;
        }

        Vector128<float> a = Vector128.Load(x), b = Vector128.Load(x + xStep), c = Vector128.Load(x + 2 * xStep),
            d = Vector128.Load(x + 3 * xStep);
        Vector128<float> ab = Sse.UnpackLow(a, b), cd = Sse.UnpackLow(c, d), abHigh = Sse.UnpackHigh(a, b), cdHigh = Sse.UnpackHigh(c, d);
        Sse.MoveLowToHigh(ab, cd).Store(y);
        Sse.MoveHighToLow(cd, ab).Store(y + yStep);
        Sse.MoveLowToHigh(abHigh, cdHigh).Store(y + 2 * yStep);
        Sse.MoveHighToLow(cdHigh, abHigh).Store(y + 3 * yStep);
    }
}
