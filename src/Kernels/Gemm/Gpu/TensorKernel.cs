using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>
/// The matrix product by tensor cores: as <see cref="GemmKernels.Tiles"/> in wide tiles, but that its eight warps multiply 64 rows and 32
/// columns each.
/// </summary>
internal static class TensorKernel
{
    private const int Side = 128, Slab = 8, Line = Side + 4, Quads = Slab * Line / 4;

    public static void Run<TAct, TCore>(TAct act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
        where TCore : unmanaged, ITensorCore
    {
        int high = (sizes.M + Side - 1) / Side, wide = (sizes.N + Side - 1) / Side;
        int line = Grid.IdxX / high, row = (Grid.IdxX - line * high) * Side, part = line / wide, column = (line - part * wide) * Side;
        int depth = sizes.Depth(part), lane = Group.IdxX, warp = lane / 32, x = warp % 4 * 32, y = warp / 4 * 64;
        var room = WideTile.Room();
        var loadA = new GemmLoader(a, part, row, sizes.M, depth, Side, Slab, lane);
        var loadB = new GemmLoader(b, part, column, sizes.N, depth, Side, Slab, lane);
        var sums = default(TensorSums);
        int from = 0;
        Quad nextA = loadA.Load(0), nextB = loadB.Load(0);
        for (int k = Slab; k < depth + Slab; k += Slab)
        {
            loadA.Store(room.SubView(from, Quads), Rounded<TCore>(nextA));
            loadB.Store(room.SubView(from + Quads, Quads), Rounded<TCore>(nextB));
            Group.Barrier();
            nextA = loadA.Load(k);
            nextB = loadB.Load(k);
            sums.Add<TCore>(
                room.SubView(from, Quads).Cast<float>(), room.SubView(from + Quads, Quads).Cast<float>(), Line, y, x, lane % 32);
            from = 2 * Quads - from;
        }

        row += y + TensorSums.Row(lane % 32);
        column += x + TensorSums.Column(lane % 32);
        for (int i = 0; i < 16; i++)
        {
            int at = row + i / 4 * TensorSums.High, to = column + i % 4 * TensorSums.Wide;
            var sum = sums.Head;
            Put(act, sizes, result, part, at, to, sum.X, sum.Y);
            Put(act, sizes, result, part, at + TensorSums.High / 2, to, sum.Z, sum.W);
            sums.Shift();
        }
    }

    /// <summary>Two neighbours, as far as they exist.</summary>
    private static void Put<TAct>(TAct act, GemmSizes sizes, GemmResult result, int part, int row, int column, float x, float y)
        where TAct : unmanaged, IMap1<TAct>
    {
        if (row >= sizes.M) return;
        if (column < sizes.N) result.Put(act, new GemmPlace(part, row, column), x);
        if (column + 1 < sizes.N) result.Put(act, new GemmPlace(part, row, column + 1), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad Rounded<TCore>(Quad x) where TCore : unmanaged, ITensorCore =>
        Quad.Of(TCore.Rounded(x.X), TCore.Rounded(x.Y), TCore.Rounded(x.Z), TCore.Rounded(x.W));
}
