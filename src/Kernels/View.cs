namespace Mayfly;

/// <summary>A piece of a device's memory.</summary>
public abstract class Block(long bytes)
{
    /// <summary>The size in bytes.</summary>
    public long Bytes { get; } = bytes;

    /// <summary>The most bytes of it that a tensor has had: what the system holds in memory of it.</summary>
    internal long Touched { get; set; }

    /// <summary>True for a piece of another block, which goes back to the system with that one.</summary>
    internal bool IsPart { get; init; }

    /// <summary>Where such a piece begins in the other block.</summary>
    internal long Offset { get; set; }

    /// <summary>The phase of an arena that took it, and as which of its pieces; null where none did.</summary>
    internal object? Phase { get; set; }

    /// <inheritdoc cref="Phase"/>
    internal int Piece { get; set; }
}

/// <summary>A piece of host memory, 64-byte aligned.</summary>
public sealed unsafe class HostBlock(void* pointer, long bytes) : Block(bytes)
{
    /// <summary>The first byte.</summary>
    public byte* Pointer { get; } = (byte*)pointer;

    /// <summary>Some of the bytes.</summary>
    internal Span<byte> Part(long first, int count) => new(Pointer + first, count);
}

/// <summary>What a kernel is handed: a block, the element type and the layout of the elements.</summary>
/// <param name="Block">The memory; null for an absent operand.</param>
/// <param name="Type">The element type.</param>
/// <param name="Layout">Extents, strides and offset.</param>
public readonly record struct View(Block? Block, DType Type, Layout Layout)
{
    /// <summary>True for an operand the caller did not give.</summary>
    public bool IsAbsent => Block is null;

    /// <summary>
    /// The key of the random numbers by which a write rounds to a stored type, each element by the number of its place in the block; null
    /// rounds to nearest, ties to even.
    /// </summary>
    public RandomKey? Rounding { get; init; }

    /// <summary>The extents.</summary>
    public Shape Shape => Layout.Shape;

    /// <summary>The number of elements.</summary>
    public long Count => Layout.Count;

    /// <summary>Repeated to a shape it broadcasts to (NumPy's rules).</summary>
    /// <exception cref="ArgumentException">It does not broadcast.</exception>
    public View To(Shape shape) => Shape == shape
        ? this
        : With(Layout.TryBroadcast(shape) ?? throw new ArgumentException($"View: {Shape} does not broadcast to {shape}; "
            + "sizes must match or be 1."));

    /// <summary>A dense view as a matrix of its last axis: (rows, n).</summary>
    /// <exception cref="ArgumentException">Its strides do not allow it.</exception>
    public View Rows() => With(Layout.TryReshape((Count / Math.Max(1, Shape[-1]), Shape[-1]))
        ?? throw new ArgumentException($"View: {Shape} of strides {Layout.Strides} has no rows of equal distance; "
            + "copy it to a dense one first."));

    /// <summary>The two last axes swapped.</summary>
    public View Transposed() => With(Layout.Transpose(Shape.Rank - 2, Shape.Rank - 1));

    /// <summary>The same memory under another layout.</summary>
    public View With(Layout layout) => this with { Layout = layout };

    /// <summary>The address of the first element of a host view of floats, or null where it is absent.</summary>
    /// <exception cref="NotSupportedException">The elements are of a type that is storage only.</exception>
    public unsafe float* Floats() => Block is null ? null : IsStored ? throw Stored() : (float*)Host();

    /// <summary>The address of the first element of a host view of integers, or null where it is absent.</summary>
    public unsafe int* Ints() => Block is null ? null : (int*)Host();

    /// <summary>Elements from the first to the last.</summary>
    internal long Extent
    {
        get
        {
            long last = 0;
            for (int axis = 0; axis < Shape.Rank; axis++) last += (Shape[axis] - 1) * Layout.Strides[axis];
            return last + 1;
        }
    }

    /// <summary>True for a view whose elements are of a type that is storage only.</summary>
    internal bool IsStored => Block is not null && Type.IsStored();

    /// <summary>True where one of the views is of a type that is storage only.</summary>
    internal static bool HasStored(ReadOnlySpan<View> views)
    {
        foreach (ref readonly var view in views)
            if (view.IsStored) return true;
        return false;
    }

    /// <summary>The address of the first element of a host view.</summary>
    internal unsafe byte* Host() => ((HostBlock)Block!).Pointer + Type.Bytes(Layout.Offset);

    /// <summary>What a kernel says that takes numbers it computes in only.</summary>
    internal NotSupportedException Stored() =>
        new($"A kernel got a view {Shape} of {Type}, which is storage only; convert it to float32 first.");
}
