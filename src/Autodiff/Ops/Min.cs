using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>The smallest element: the largest of the negatives.</summary>
internal readonly struct SmallestElement : IFold<SmallestElement>
{
    public static FoldKind Kind => FoldKind.Max;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Map<V>(V x) where V : struct, ILane<V> => -x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Finish<V>(V total) where V : struct, ILane<V> => -total;
}

public static partial class TensorOps
{
    /// <summary>The smallest of all elements, of shape (); NaN if any is NaN.</summary>
    /// <remarks>Backward: dx = dy, shared evenly by all elements that equal the smallest, else 0.</remarks>
    /// <exception cref="ArgumentException">There are no elements.</exception>
    public static Tensor Min(this Tensor x) => x.Min(Axes.All(x));

    /// <summary>The smallest over the given axes (negative ones count from the last); NaN if any is NaN.</summary>
    /// <remarks>Backward: dx = dy, shared evenly by all elements that equal the smallest, else 0.</remarks>
    /// <exception cref="ArgumentException">An axis does not exist, is named twice, or has no elements.</exception>
    public static Tensor Min(this Tensor x, ReadOnlySpan<int> axes, bool keepAxes = false) =>
        Extreme("Min", new SmallestElement(), x, axes, keepAxes);
}
