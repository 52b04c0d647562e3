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
    /// and no sum depends on who came first. A group per row: its lanes look through the ids side by side, a block at a time, and then stand for columns.
    /// </summary>
    public static void ScatterAdd(ArrayView<float> dy, ArrayView<int> ids, ArrayView<float> table, int tableStep, int width)
    {
        var room = SharedMemory.Allocate<int>(2);
        int count = ids.IntLength;
        for (int i = Grid.IdxX; i < count; i += Grid.DimX)
        {
            if (Group.IdxX < 2) room[Group.IdxX] = -1;
            Group.Barrier();
            int id = ids[i], turn = 0;
            bool isFirst = true;
            for (int block = 0; isFirst && block < i; block += Group.DimX) isFirst = !Names(room, turn++, ids, id, block, i);
            for (int block = i; isFirst && block < count; block += Group.DimX)
                if (Names(room, turn++, ids, id, block, count)) AddRows(dy, ids, table.SubView((long)id * tableStep, width), block, id);
            Group.Barrier();
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
        // a choice between two known numbers: ILGPU takes the branch around a load for one that all lanes agree on
        float kept = x[i] * scale, value = Philox.Unit(bits) < rate ? 0f : kept;
        y[i] = add != 0 ? y[i] + value : value;
    }

    /// <summary>
    /// Whether one of the group's ids from <paramref name="block"/> on, before <paramref name="end"/>, is the id: the same answer in every lane. The
    /// lanes that find it write the same mark; two places in turn, so that one barrier is enough.
    /// </summary>
    private static bool Names(ArrayView<int> room, int turn, ArrayView<int> ids, int id, int block, int end)
    {
        int k = block + Group.IdxX;
        if (k < end && ids[k] == id) room[turn & 1] = turn;
        Group.Barrier();
        return room[turn & 1] == turn;
    }

    /// <summary>Adds the rows of one block of ids that name the id, in their order: lane by lane a column.</summary>
    private static void AddRows(ArrayView<float> dy, ArrayView<int> ids, ArrayView<float> row, int block, int id)
    {
        int width = row.IntLength, end = block + Group.DimX < ids.IntLength ? block + Group.DimX : ids.IntLength;
        for (int k = block; k < end; k++)
            if (ids[k] == id)
                for (int j = Group.IdxX; j < width; j += Group.DimX) row[j] += dy[(long)k * width + j];
    }
}
