using ILGPU;

namespace Mayfly;

/// <summary>Rows of a table by their numbers, and random numbers by theirs.</summary>
internal static class IndexKernels
{
    /// <summary>y[i, j] = table[ids[i], j]; words are elements of four bytes.</summary>
    public static void Gather(ArrayView<int> table, int tableStep, ArrayView<int> ids, ArrayView<int> y, int width)
    {
        for (int i = Lanes.First; i < y.IntLength; i += Lanes.Step)
        {
            int row = i / width;
            y[i] = table[(long)ids[row] * tableStep + (i - row * width)];
        }
    }

    /// <summary>
    /// table[ids[i], j] += dy[i, j], in the order of i. The first row that names an id sums all rows that do, so that each table row has one owner
    /// and no sum depends on who came first. Groups stand for rows (y), lanes for columns (x).
    /// </summary>
    public static void ScatterAdd(ArrayView<float> dy, ArrayView<int> ids, ArrayView<float> table, int tableStep, int width)
    {
        int count = ids.IntLength;
        for (int i = Grid.IdxY; i < count; i += Grid.DimY)
        {
            int id = ids[i];
            if (IsFirst(ids, i, id))
                for (int j = Lanes.First; j < width; j += Lanes.Step) AddRows(dy, ids, ref table[(long)id * tableStep + j], i, id, width, j);
        }
    }

    /// <summary>y[i] (+)= x[i] / (1 - rate) where number i of the sequence is at least rate, else 0. A lane draws four elements at a time.</summary>
    public static void Dropout(ArrayView<float> x, ArrayView<float> y, float rate, ulong seed, ulong stream, int add)
    {
        float scale = 1f / (1f - rate);
        int count = y.IntLength;
        for (int block = Lanes.First; block < (count + 3) / 4; block += Lanes.Step)
        {
            Philox.Block(seed, stream, (ulong)block, out uint a, out uint b, out uint c, out uint d);
            int i = 4 * block;
            Keep(x, y, i, a, rate, scale, add);
            if (i + 1 < count) Keep(x, y, i + 1, b, rate, scale, add);
            if (i + 2 < count) Keep(x, y, i + 2, c, rate, scale, add);
            if (i + 3 < count) Keep(x, y, i + 3, d, rate, scale, add);
        }
    }

    /// <summary>y[i] = the odd multiple of 2^-24 in (-1, 1) that number i of the sequence makes. A lane draws four elements at a time.</summary>
    public static void Uniform(ArrayView<float> y, ulong seed, ulong stream)
    {
        int count = y.IntLength;
        for (int block = Lanes.First; block < (count + 3) / 4; block += Lanes.Step)
        {
            Philox.Block(seed, stream, (ulong)block, out uint a, out uint b, out uint c, out uint d);
            int i = 4 * block;
            y[i] = Symmetric(a);
            if (i + 1 < count) y[i + 1] = Symmetric(b);
            if (i + 2 < count) y[i + 2] = Symmetric(c);
            if (i + 3 < count) y[i + 3] = Symmetric(d);
        }
    }

    private static float Symmetric(uint bits) => Philox.Symmetric(Philox.Unit(bits));

    private static void Keep(ArrayView<float> x, ArrayView<float> y, int i, uint bits, float rate, float scale, int add)
    {
        float value = Philox.Unit(bits) < rate ? 0f : x[i] * scale;
        y[i] = add != 0 ? y[i] + value : value;
    }

    private static bool IsFirst(ArrayView<int> ids, int i, int id)
    {
        for (int k = i - 1; k >= 0; k--)
            if (ids[k] == id) return false;
        return true;
    }

    private static void AddRows(ArrayView<float> dy, ArrayView<int> ids, ref float target, int first, int id, int width, int column)
    {
        float sum = target;
        for (int k = first; k < ids.IntLength; k++)
            if (ids[k] == id) sum += dy[(long)k * width + column];
        target = sum;
    }
}
