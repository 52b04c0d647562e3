namespace Mayfly;

/// <summary>The kernels of the matrix product.</summary>
internal enum GemmKind
{
    Direct,
    Dots,
    Narrow,
    Middle,
    Wide,
}

/// <summary>How a product is computed, by its shape alone: which kernel, and into how many pieces k is cut.</summary>
internal readonly record struct GemmPlan(GemmKind Kind, int Pieces = 1)
{
    /// <summary>Steps of k for which a piece is worth the writing and reading of its sums.</summary>
    private const int PieceDepth = 512;

    /// <summary>The plan for a GPU of some hundred multiprocessors; deep where both operands are dense along k.</summary>
    public static GemmPlan For(int batch, int m, int n, int k, bool deep)
    {
        int narrow = Math.Min(m, n);
        if (narrow <= 4 && deep && k >= 128) return new(GemmKind.Dots);
        if (narrow <= 4) return new(GemmKind.Direct, Cut(batch, k, 65536, (long)m * n, 64));
        return Tile(GemmKind.Wide, 128, 256) ?? Tile(GemmKind.Middle, 64, 256) ?? Tile(GemmKind.Narrow, 32, 1)!.Value;

        GemmPlan? Tile(GemmKind kind, int side, int groups)
        {
            long squares = (long)batch * ((m + side - 1) / side) * ((n + side - 1) / side);
            int pieces = Cut(batch, k, 256, squares, PieceDepth);
            bool fits = narrow > side / 2 && squares * pieces >= groups / 2;
            return fits || groups == 1 ? new(kind, pieces) : null;
        }
    }

    private static int Cut(int batch, int k, int wanted, long parallel, int depth) =>
        batch > 1 ? 1 : (int)Math.Clamp((wanted + parallel - 1) / parallel, 1, Math.Max(1, k / depth));
}
