namespace Mayfly;

/// <summary>
/// Where a tensor's elements lie in its block: extents, strides and offset, all in elements. Views are arithmetic on layouts.
/// </summary>
/// <param name="Shape">The extents.</param>
/// <param name="Strides">The distance between neighbours on each axis; zero repeats an element.</param>
/// <param name="Offset">The first element's place in the block.</param>
public readonly record struct Layout(Shape Shape, Shape Strides, long Offset)
{
    /// <summary>A dense row-major layout at the start of a block.</summary>
    public static Layout RowMajor(Shape shape) => new(shape, shape.RowMajorStrides(), 0);

    /// <summary>The number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>True where the elements lie densely in row-major order (axes of size 1 may have any stride).</summary>
    public bool IsContiguous
    {
        get
        {
            long step = 1;
            if (Count == 0) return true;
            for (int i = Shape.Rank - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != step) return false;
                step *= Shape[i];
            }

            return true;
        }
    }

    /// <summary>Swaps two axes.</summary>
    public Layout Transpose(int a, int b) =>
        new(Shape.With(a, Shape[b]).With(b, Shape[a]), Strides.With(a, Strides[b]).With(b, Strides[a]), Offset);

    /// <summary>Elements <paramref name="start"/> to <paramref name="start"/> + <paramref name="length"/> of one axis.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the axis.</exception>
    public Layout Slice(int axis, long start, long length)
    {
        if (start < 0 || length < 0 || start + length > Shape[axis])
            throw new ArgumentOutOfRangeException(nameof(start), $"Slice: {start}..{start + length} of axis {axis} of {Shape}.");
        return new(Shape.With(axis, length), Strides, Offset + start * Strides[axis]);
    }

    /// <summary>The same elements under another shape of the same count, or null where the strides do not allow it.</summary>
    public Layout? TryReshape(Shape to)
    {
        if (to.Count != Count) return null;
        if (IsContiguous) return new Layout(to, to.RowMajorStrides(), Offset);
        Span<long> strides = stackalloc long[Shape.MaxRank];
        var packed = Collapse();
        int from = packed.Shape.Rank - 1;
        long left = from >= 0 ? packed.Shape[from] : 1, step = from >= 0 ? packed.Strides[from] : 1;
        for (int i = to.Rank - 1; i >= 0; i--)
        {
            while (left == 1 && from > 0)
            {
                from--;
                left = packed.Shape[from];
                step = packed.Strides[from];
            }

            if (left % to[i] != 0) return null;
            strides[i] = step;
            step *= to[i];
            left /= to[i];
        }

        return new Layout(to, new Shape(strides[..to.Rank]), Offset);
    }

    /// <summary>
    /// Repeats this layout's elements to <paramref name="to"/> by strides of zero (NumPy's rules), or null where the shapes do not fit.
    /// </summary>
    public Layout? TryBroadcast(Shape to)
    {
        int lead = to.Rank - Shape.Rank;
        if (lead < 0) return null;
        Span<long> strides = stackalloc long[Shape.MaxRank];
        for (int i = 0; i < to.Rank; i++)
        {
            long size = i < lead ? 1 : Shape[i - lead];
            if (size != to[i] && size != 1) return null;
            strides[i] = size == 1 ? 0 : Strides[i - lead];
        }

        return new Layout(to, new Shape(strides[..to.Rank]), Offset);
    }

    /// <summary>
    /// The same elements in the same order with the fewest axes: axes of size 1 dropped, neighbours that lie densely merged.
    /// </summary>
    public Layout Collapse()
    {
        Span<long> sizes = stackalloc long[Shape.MaxRank], strides = stackalloc long[Shape.MaxRank];
        int rank = 0;
        for (int i = 0; i < Shape.Rank; i++)
        {
            if (Shape[i] == 1) continue;
            if (rank > 0 && strides[rank - 1] == Strides[i] * Shape[i])
            {
                sizes[rank - 1] *= Shape[i];
                strides[rank - 1] = Strides[i];
                continue;
            }

            sizes[rank] = Shape[i];
            strides[rank++] = Strides[i];
        }

        return new Layout(new Shape(sizes[..rank]), new Shape(strides[..rank]), Offset);
    }

    /// <summary>The place of the element with row-major number <paramref name="index"/>.</summary>
    public long Place(long index)
    {
        long place = Offset;
        for (int i = Shape.Rank - 1; i >= 0; i--)
        {
            place += index % Shape[i] * Strides[i];
            index /= Shape[i];
        }

        return place;
    }

    /// <summary>The shape both broadcast to, or null where they do not fit.</summary>
    public static Shape? Broadcast(Shape a, Shape b)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        Span<long> sizes = stackalloc long[Shape.MaxRank];
        for (int i = 1; i <= rank; i++)
        {
            long x = i <= a.Rank ? a[-i] : 1, y = i <= b.Rank ? b[-i] : 1;
            if (x != y && x != 1 && y != 1) return null;
            sizes[rank - i] = x == 1 ? y : x;
        }

        return new Shape(sizes[..rank]);
    }
}
