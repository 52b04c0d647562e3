using System.Runtime.CompilerServices;
using ILGPU;

namespace Mayfly;

/// <summary>The rows of one head of one sequence.</summary>
internal readonly struct AttentionRows
{
    private readonly ArrayView<float> data;
    private readonly int start, step, count, size;

    public AttentionRows(HeadView view, int batch, int head, int count, int size)
    {
        data = view.Data;
        start = view.Row(batch, 0, head);
        step = view.Row(0, 1, 0);
        this.count = count;
        this.size = size;
    }

    /// <summary>An element, zero outside.</summary>
    public float Get(int row, int column) => row < count && column < size ? data[start + row * step + column] : 0f;

    /// <summary>Writes four elements of a row from a column on, as far as they exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int row, int column, Quad values)
    {
        if (row >= count) return;
        int place = start + row * step + column;
        if (column < size) data[place] = values.X;
        if (column + 1 < size) data[place + 1] = values.Y;
        if (column + 2 < size) data[place + 2] = values.Z;
        if (column + 3 < size) data[place + 3] = values.W;
    }

    /// <summary>Writes four neighbouring rows of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int row, int column, Sums4 values)
    {
        Put(row, column, values.R0);
        Put(row + 1, column, values.R1);
        Put(row + 2, column, values.R2);
        Put(row + 3, column, values.R3);
    }
}
