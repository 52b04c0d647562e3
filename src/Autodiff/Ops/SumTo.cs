namespace Mayfly;

/// <summary>The one place where a broadcast gradient is summed back to its input's shape.</summary>
internal static class SumToOp
{
    /// <summary>Adds <paramref name="wide"/>, summed over the axes along which the input was repeated and divided, to the gradient of input <paramref name="i"/>.</summary>
    public static void SumTo(this Sweep sweep, int i, Tensor wide, float divisor = 1f)
    {
        var target = sweep.Target(i);
        var narrow = target.Value.Shape;
        Span<long> sizes = stackalloc long[Shape.MaxRank];
        int lead = wide.Rank - narrow.Rank;
        for (int axis = 0; axis < wide.Rank; axis++) sizes[axis] = axis < lead ? 1 : narrow[axis - lead];
        var aligned = Layout.RowMajor(new Shape(sizes[..wide.Rank])) with { Offset = target.Value.Layout.Offset };
        sweep.Backend.Fold(new Total(divisor), wide.Read("SumTo"), target.View("SumTo").With(aligned), target.Add);
    }
}

/// <summary>The sum of x, divided by a number.</summary>
/// <param name="divisor">The number.</param>
public readonly struct Total(float divisor) : IFold<Total>
{
    /// <inheritdoc/>
    public static FoldKind Kind => FoldKind.Sum;

    /// <inheritdoc/>
    public V Map<V>(V x) where V : struct, ILane<V> => x;

    /// <inheritdoc/>
    public V Finish<V>(V total) where V : struct, ILane<V> => total / V.Of(divisor);
}
