using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>The operands of a row formula: contiguous matrices of Count rows; an absent one has no elements.</summary>
internal readonly struct GpuRows(
    int count, int width, ArrayView<float> x, ArrayView<float> dy, ArrayView<float> gain, ArrayView<float> bias, ArrayView<float> y,
    ArrayView<float> stats, bool loadStats, bool add)
{
    public readonly int Count = count, Width = width;
    private readonly ArrayView<float> x = x, dy = dy, gain = gain, bias = bias, y = y, stats = stats;
    private readonly int load = loadStats ? 1 : 0, add = add ? 1 : 0;

    public RowItem<G1> Item(int row, int column)
    {
        int i = row * Width + column;
        return new(new(x[i]), At(dy, i), At(gain, column), At(bias, column));
    }

    /// <summary>The saved numbers of a row, zero where there are none.</summary>
    public RowNumbers<G1> Saved(int row) => new() { Shift = At(stats, 2 * row), Scale = At(stats, 2 * row + 1) };

    /// <summary>The numbers a row starts with.</summary>
    public RowNumbers<G1> Start(int row) => load != 0 ? Saved(row) : default;

    public void Save(int row, RowNumbers<G1> numbers)
    {
        if (load != 0 || stats.Length == 0 || Group.IdxX != 0) return;
        stats[2 * row] = numbers.Shift.Value;
        stats[2 * row + 1] = numbers.Scale.Value;
    }

    public void Put(int row, int column, G1 value)
    {
        int i = row * Width + column;
        y[i] = add != 0 ? y[i] + value.Value : value.Value;
    }

    private static G1 At(ArrayView<float> view, int i) => new(view.Length > 0 ? view[i] : 0f);
}

/// <summary>Functions of whole rows, a group per row, and folds down the columns of a matrix.</summary>
internal static class RowKernels
{
    public static void Row<TOp>(TOp op, GpuRows rows) where TOp : unmanaged, IRow<TOp>
    {
        var room = SharedMemory.Allocate<float>(2 * Trees.MostLanes);
        for (int row = Grid.IdxX; row < rows.Count; row += Grid.DimX)
        {
            var numbers = rows.Start(row);
            if (TOp.Stages > 0) Fold(op, 0, rows, row, room, ref numbers);
            if (TOp.Stages > 1) Fold(op, 1, rows, row, room, ref numbers);
            rows.Save(row, numbers);
            for (int j = Group.IdxX; j < rows.Width; j += Group.DimX) rows.Put(row, j, op.Write(rows.Item(row, j), numbers));
        }
    }

    public static void Numbered<TOp>(TOp op, GpuRows rows, NumberPlace a, NumberPlace b, ArrayView<double> cells)
        where TOp : unmanaged, IRow<TOp>, INumbered<TOp> => Row(op.With(a.HyperFrom(cells), b.HyperFrom(cells)), rows);

    /// <summary>A lane per column and block of rows: block b's sums are rows 2b and 2b + 1 of parts.</summary>
    public static void Columns<TOp>(TOp op, GpuRows rows, ArrayView<float> parts, int share) where TOp : unmanaged, IColumn<TOp>
    {
        int start = Grid.IdxY * share, end = start + share < rows.Count ? start + share : rows.Count;
        for (int j = Lanes.First; j < rows.Width; j += Lanes.Step)
        {
            float sumA = 0f, sumB = 0f;
            for (int row = start; row < end; row++)
            {
                op.Add(rows.Item(row, j), rows.Saved(row), out G1 a, out G1 b);
                sumA += a.Value;
                sumB += b.Value;
            }

            int place = 2 * Grid.IdxY * rows.Width + j;
            parts[place] = sumA;
            parts[place + rows.Width] = sumB;
        }
    }

    /// <summary>Adds the parts of <see cref="Columns"/> in their order; an absent result has no elements.</summary>
    public static void Parts(ArrayView<float> parts, int blocks, int width, ArrayView<float> sumA, int addA, ArrayView<float> sumB,
        int addB)
    {
        for (int j = Lanes.First; j < width; j += Lanes.Step)
        {
            if (sumA.Length > 0) sumA[j] = Total(parts, blocks, width, j, addA != 0 ? sumA[j] : 0f);
            if (sumB.Length > 0) sumB[j] = Total(parts, blocks, width, width + j, addB != 0 ? sumB[j] : 0f);
        }
    }

    private static float Total(ArrayView<float> parts, int blocks, int width, int place, float old)
    {
        float total = 0f;
        for (int b = 0; b < blocks; b++) total += parts[2 * b * width + place];
        return old + total;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fold<TOp>(TOp op, int stage, GpuRows rows, int row, ArrayView<float> room, ref RowNumbers<G1> numbers)
        where TOp : unmanaged, IRow<TOp>
    {
        var kind = TOp.Kind(stage);
        float totalA = Trees.Start(kind), totalB = totalA;
        for (int j = Group.IdxX; j < rows.Width; j += Group.DimX)
        {
            op.Fold(stage, rows.Item(row, j), numbers, out G1 a, out G1 b);
            totalA = Trees.Join(kind, totalA, a.Value);
            totalB = Trees.Join(kind, totalB, b.Value);
        }

        Join(room, kind, ref totalA, ref totalB);
        op.Finish(stage, new G1((float)rows.Width), new G1(totalA), new G1(totalB), ref numbers);
    }

    /// <summary>The totals of the group's lanes, as <see cref="Trees.Fold"/> does for one number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Join(ArrayView<float> room, FoldKind kind, ref float a, ref float b)
    {
        int lane = Group.IdxX;
        room[lane] = a;
        room[Trees.MostLanes + lane] = b;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (lane < half)
            {
                room[lane] = Trees.Join(kind, room[lane], room[lane + half]);
                room[Trees.MostLanes + lane] = Trees.Join(kind, room[Trees.MostLanes + lane], room[Trees.MostLanes + lane + half]);
            }

            Group.Barrier();
        }

        a = room[0];
        b = room[Trees.MostLanes];
        Group.Barrier();
    }
}
