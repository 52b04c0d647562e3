using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>
/// What an indexer takes of one axis: an element (the axis goes) or a range of them. Made from an <c>int</c>, an <see cref="Index"/>
/// such as <c>^2</c>, or a <see cref="Range"/> such as <c>1..^1</c> or <c>..</c>.
/// </summary>
public readonly record struct TensorIndex
{
    private readonly Range range;

    private TensorIndex(Range range, bool isOne)
    {
        this.range = range;
        IsOne = isOne;
    }

    /// <summary>True for one element, false for a range.</summary>
    public bool IsOne { get; }

    /// <summary>An element; a negative number counts from the end.</summary>
    public static implicit operator TensorIndex(int place) => place < 0 ? new Index(-place, fromEnd: true) : new Index(place);

    /// <summary>An element, from the start or from the end.</summary>
    public static implicit operator TensorIndex(Index place) => new(new Range(place, place), isOne: true);

    /// <summary>Elements from the first up to, but not including, the last.</summary>
    public static implicit operator TensorIndex(Range range) => new(range, isOne: false);

    /// <summary>As it is written.</summary>
    public override string ToString() => IsOne ? range.Start.ToString() : range.ToString();

    /// <summary>The part of a layout that the places name, one for each axis from the first on; axes without one stay whole.</summary>
    /// <exception cref="ArgumentException">More places than axes, or one outside its axis.</exception>
    internal static Layout Of(in Layout x, ReadOnlySpan<TensorIndex> places)
    {
        if (places.Length > x.Shape.Rank) throw new ArgumentException($"Index: {places.Length} places in a tensor {x.Shape}.");
        var part = x;
        for (int axis = 0; axis < places.Length; axis++)
        {
            var (start, length) = places[axis].In(x.Shape, axis);
            part = part.Slice(axis, start, length);
        }

        return Without(part, places);
    }

    /// <summary>The layout without the axes of which one element was taken.</summary>
    private static Layout Without(in Layout part, ReadOnlySpan<TensorIndex> places)
    {
        Shape sizes = default, strides = default;
        for (int axis = 0; axis < part.Shape.Rank; axis++)
        {
            if (axis < places.Length && places[axis].IsOne) continue;
            sizes = sizes.Append(part.Shape[axis]);
            strides = strides.Append(part.Strides[axis]);
        }

        return new Layout(sizes, strides, part.Offset);
    }

    private (long Start, long Length) In(Shape shape, int axis)
    {
        long size = shape[axis], start = At(range.Start, size), end = IsOne ? start + 1 : At(range.End, size);
        return start >= 0 && start <= end && end <= size
            ? (start, end - start)
            : throw new ArgumentException($"Index: {this} is outside axis {axis} of shape {shape}, which has {size} elements.");
    }

    private static long At(Index index, long size) => index.IsFromEnd ? size - index.Value : index.Value;
}

public sealed partial class Tensor
{
    /// <summary>
    /// A part of the tensor by an index or a range for each axis from the first on, <c>t[1, .., ^2]</c>: an index takes one element and its
    /// axis goes, a range keeps the axis; axes without one stay whole. A view, with gradients.
    /// </summary>
    /// <exception cref="ArgumentException">More places than axes, or one outside its axis.</exception>
    [IndexerName("Part")]
    public Tensor this[params ReadOnlySpan<TensorIndex> places]
    {
        get
        {
            Check("Index");
            return (TakePart ?? PartWithoutTape)(this, places);
        }
    }

    /// <summary>Records the taking of a part: set by the autodiff layer as it is loaded, before which there is no tape.</summary>
    internal static PartTaker? TakePart { get; set; }

    internal delegate Tensor PartTaker(Tensor x, ReadOnlySpan<TensorIndex> places);

    private static Tensor PartWithoutTape(Tensor x, ReadOnlySpan<TensorIndex> places) =>
        x.ViewAs(TensorIndex.Of(x.Layout, places), "Index");
}
