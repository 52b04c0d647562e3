using ILGPU;

namespace Mayfly;

public readonly partial record struct ScatterAdd
{
    /// <inheritdoc/>
    public void On(GpuBackend device)
    {
        if (Dy.Count == 0) return;
        int step = checked((int)Table.Layout.Strides[0]), width = checked((int)Table.Shape[1]);
        device.Launch(
            ScatterAddKernel.ScatterAdd, (device.Groups(Ids.Count), device.GroupSize),
            GpuBackend.Floats(Dy), GpuBackend.Ints(Ids), GpuBackend.Floats(Table), step, width);
    }
}

/// <summary>A group owns the row of the table that its id is the first to name.</summary>
internal static class ScatterAddKernel
{
    /// <summary>
    /// table[ids[i], j] += dy[i, j], in the order of i. The first row that names an id sums all rows that do, so that each table row has
    /// one owner and no sum depends on who came first. A group per row: its lanes look through the ids side by side, a block at a time, and
    /// then stand for columns.
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

    /// <summary>
    /// Whether one of the group's ids from <paramref name="block"/> on, before <paramref name="end"/>, is the id: the same answer in every
    /// lane. The lanes that find it write the same mark; two places in turn, so that one barrier is enough.
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
