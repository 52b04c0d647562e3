using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// The joint layout of up to five operands of one shape: axes of size one dropped, the others ordered by the last operand's strides and
/// merged where every operand allows it. Elements are counted in this order, so that chunks of the count are chunks of the work.
/// </summary>
internal unsafe struct Walk
{
    public const int MaxOperands = 5;

    /// <summary>Axes left, at least one.</summary>
    public int Rank;

    /// <summary>Elements of each operand.</summary>
    public long Count;

    private fixed long sizes[Shape.MaxRank];
    private fixed long strides[Shape.MaxRank * MaxOperands];
    private fixed ulong bases[MaxOperands];

    /// <summary>Lays the operands over each other. An absent operand has a null base and is never to be read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Walk(ReadOnlySpan<View> operands)
    {
        int last = operands.Length - 1;
        while (operands[last].IsAbsent) last--;
        var shape = operands[last].Shape;
        Count = shape.Count;
        for (int k = 0; k < operands.Length; k++) bases[k] = Address(operands[k]);
        if (AreContiguous(operands))
        {
            UseOneAxis();
            return;
        }

        for (int axis = 0; axis < shape.Rank; axis++)
            if (shape[axis] != 1) Insert(operands, axis, last);
        Merge();
        if (Rank == 0) UseOneAxis();
    }

    /// <summary>The size of an axis.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly long Size(int axis) => sizes[axis];

    /// <summary>The size of the innermost axis.</summary>
    public readonly long Inner => sizes[Rank - 1];

    /// <summary>The stride of operand <paramref name="k"/> on an axis, in elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly long Stride(int k, int axis) => strides[axis * MaxOperands + k];

    /// <summary>The address of the first element, or null; only for host operands.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void* Base(int k) => (void*)bases[k];

    /// <summary>True where operand <paramref name="k"/>'s elements lie densely in the order of the count.</summary>
    public readonly bool IsDense(int k)
    {
        long step = 1;
        for (int axis = Rank - 1; axis >= 0; axis--)
        {
            if (Stride(k, axis) != step) return false;
            step *= sizes[axis];
        }

        return true;
    }

    /// <summary>Writes the indices of element <paramref name="number"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Find(long number, long* index)
    {
        for (int axis = Rank - 1; axis >= 0; axis--)
        {
            if (sizes[axis] == 0) continue;
            index[axis] = number % sizes[axis];
            number /= sizes[axis];
        }
    }

    /// <summary>The place of an element in operand <paramref name="k"/>, counted from its base.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly long Place(int k, long* index)
    {
        long place = 0;
        for (int axis = 0; axis < Rank; axis++) place += index[axis] * Stride(k, axis);
        return place;
    }

    /// <summary>
    /// Steps <paramref name="count"/> elements along the innermost axis, not beyond its end, carrying into the outer axes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Advance(long* index, long count)
    {
        index[Rank - 1] += count;
        for (int axis = Rank - 1; axis > 0 && index[axis] == sizes[axis]; axis--)
        {
            index[axis] = 0;
            index[axis - 1]++;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Insert(ReadOnlySpan<View> operands, int axis, int last)
    {
        long key = Math.Abs(operands[last].Layout.Strides[axis]);
        int at = Rank++;
        for (; at > 0 && Math.Abs(strides[(at - 1) * MaxOperands + last]) < key; at--) Move(at - 1, at);
        sizes[at] = operands[last].Shape[axis];
        for (int k = 0; k < operands.Length; k++)
            strides[at * MaxOperands + k] = operands[k].IsAbsent ? 0 : operands[k].Layout.Strides[axis];
        for (int k = operands.Length; k < MaxOperands; k++) strides[at * MaxOperands + k] = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Merge()
    {
        int kept = 0;
        for (int axis = 1; axis < Rank; axis++)
        {
            if (Mergeable(kept, axis)) sizes[axis] *= sizes[kept];
            else kept++;
            Move(axis, kept);
        }

        if (Rank > 0) Rank = kept + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool Mergeable(int outer, int inner)
    {
        for (int k = 0; k < MaxOperands; k++)
            if (bases[k] != 0 && Stride(k, outer) != Stride(k, inner) * sizes[inner]) return false;
        return true;
    }

    private void Move(int from, int to)
    {
        sizes[to] = sizes[from];
        for (int k = 0; k < MaxOperands; k++) strides[to * MaxOperands + k] = strides[from * MaxOperands + k];
    }

    /// <summary>Where a host operand starts; elsewhere any number but zero, which stands for an absent one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Address(in View view) => view.Block is HostBlock ? (ulong)view.Host() : view.IsAbsent ? 0ul : 1;

    private static bool AreContiguous(ReadOnlySpan<View> operands)
    {
        foreach (ref readonly var operand in operands)
            if (!operand.IsAbsent && !operand.Layout.IsContiguous) return false;
        return true;
    }

    private void UseOneAxis()
    {
        Rank = 1;
        sizes[0] = Count;
        for (int k = 0; k < MaxOperands; k++) strides[k] = bases[k] != 0 ? 1 : 0;
    }
}
