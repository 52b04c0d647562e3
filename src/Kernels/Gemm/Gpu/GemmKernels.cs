using ILGPU;

namespace Mayfly;

/// <summary>
/// The kernels of the matrix product. All but <see cref="Dots"/> sum an element's products of one part in the order of k.
/// </summary>
internal static class GemmKernels
{
    /// <summary>A lane per element.</summary>
    public static void Direct<TAct>(TAct act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
    {
        for (int i = Lanes.First; i < sizes.Count; i += Lanes.Step)
        {
            var at = sizes.Find(i);
            int left = a.Start(at.Part, at.Row), right = b.Start(at.Part, at.Column), depth = sizes.Depth(at.Part);
            float sum = 0f;
            for (int k = 0; k < depth; k++) sum += a.Data[left + k * a.DepthStep] * b.Data[right + k * b.DepthStep];
            result.Put(act, at, sum);
        }
    }

    /// <summary>A group per element, for few rows or columns of operands that are dense along k.</summary>
    public static void Dots<TAct>(TAct act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
    {
        var room = Trees.Room();
        for (int i = Grid.IdxX; i < sizes.Count; i += Grid.DimX)
        {
            var at = sizes.Find(i);
            int left = a.Start(at.Part, at.Row), right = b.Start(at.Part, at.Column), depth = sizes.Depth(at.Part);
            float sum = 0f;
            for (int k = Group.IdxX; k < depth; k += Group.DimX) sum += a.Data[left + k * a.DepthStep] * b.Data[right + k * b.DepthStep];
            sum = Trees.Fold(room, FoldKind.Sum, sum);
            if (Group.IdxX == 0) result.Put(act, at, sum);
        }
    }

    /// <summary>
    /// A group per square of C. While the lanes multiply two slabs in shared memory they load the next two from the device's, which go to
    /// the other half of the room: one barrier a slab. Storing comes first in the loop, as ILGPU moves arithmetic down past stores and
    /// barriers: at its end the stores would wait for the loads before anything is multiplied, and all operands would be held meanwhile.
    /// </summary>
    public static void Tiles<TAct, TTile>(TAct act, GemmSizes sizes, GemmFactor a, GemmFactor b, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
        where TTile : unmanaged, IGemmTile<TTile>
    {
        int high = (sizes.M + TTile.Side - 1) / TTile.Side, wide = (sizes.N + TTile.Side - 1) / TTile.Side;
        int line = Grid.IdxX / high, row = (Grid.IdxX - line * high) * TTile.Side, part = line / wide,
            column = (line - part * wide) * TTile.Side;
        int depth = sizes.Depth(part), lane = Group.IdxX;

        // a warp computes four by eight lanes' sums: it then reads the fewest quads of shared memory
        int warp = lane / 32, x = warp % (TTile.Across / 8) * 8 + lane % 8, y = warp / (TTile.Across / 8) * 4 + lane % 32 / 8;
        var room = TTile.Room();
        var loadA = new GemmLoader(a, part, row, sizes.M, depth, TTile.Side, TTile.Depth, lane);
        var loadB = new GemmLoader(b, part, column, sizes.N, depth, TTile.Side, TTile.Depth, lane);
        var sums = default(TTile);
        int slab = TTile.Depth * (TTile.Side / 4 + 1), from = 0;
        Quad nextA = loadA.Load(0), nextB = loadB.Load(0);
        for (int k = TTile.Depth; k < depth + TTile.Depth; k += TTile.Depth)
        {
            loadA.Store(room.SubView(from, slab), nextA);
            loadB.Store(room.SubView(from + slab, slab), nextB);
            Group.Barrier();
            nextA = loadA.Load(k);
            nextB = loadB.Load(k);
            sums.Add(room.SubView(from + y, slab - y), room.SubView(from + slab + x, slab - x));
            from = 2 * slab - from;
        }

        row += 4 * y;
        column += 4 * x;
        for (int r = 0; r < 4 * TTile.Quads; r++)
        {
            int at = row + r % 4 + r / 4 * (TTile.Side / 2);
            if (at < sizes.M)
            {
                result.Put(act, new GemmPlace(part, at, column), sizes.N, sums.Left);
                if (TTile.Quads == 2) result.Put(act, new GemmPlace(part, at, column + TTile.Side / 2), sizes.N, sums.Right);
            }

            sums.Shift();
        }
    }

    /// <summary>Adds the pieces of each element in their order: piece p's sums are the p-th matrix of <paramref name="pieces"/>.</summary>
    public static void Finish<TAct>(TAct act, GemmSizes sizes, ArrayView<float> pieces, int count, GemmResult result)
        where TAct : unmanaged, IMap1<TAct>
    {
        for (int i = Lanes.First; i < sizes.Count; i += Lanes.Step)
        {
            float sum = 0f;
            for (int p = 0; p < count; p++) sum += pieces[p * sizes.Count + i];
            result.Put(act, sizes.Find(i), sum);
        }
    }
}
